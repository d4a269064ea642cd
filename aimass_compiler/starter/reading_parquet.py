"""Rows of an Apache Parquet file, some thousands at a time, by polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import polars

_ROWS_AT_ONCE = 4096


def rows_of_parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    """Each row, times and decimals as the text that the contract sees; raises UnusableDataError."""
    try:
        import polars
    except ModuleNotFoundError:
        hint = "install it with `pip install 'aimass-compiler[run]'`"
        raise UnusableDataError(
            "AM065", "reading Parquet needs polars, which is not installed", hint
        ) from None
    try:
        table = polars.scan_parquet(path, glob=False)
        table = table.with_columns(_as_text(table.collect_schema()))
        for first in range(0, table.select(polars.len()).collect().item(), _ROWS_AT_ONCE):
            yield from table.slice(first, _ROWS_AT_ONCE).collect().iter_rows(named=True)
    except (OSError, polars.exceptions.PolarsError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UnusableDataError("AM060", f"the file cannot be read as Parquet: {reason}") from None


def _as_text(schema: polars.Schema) -> list[polars.Expr]:
    import polars

    times = [name for name, kind in schema.items() if isinstance(kind, (polars.Date, polars.Datetime))]
    numbers = [name for name, kind in schema.items() if kind.is_decimal()]
    return [polars.col(times).cast(polars.String), polars.col(numbers).cast(polars.Float64)]
