"""Rows of Apache Parquet files."""

from __future__ import annotations

from collections.abc import Mapping

from aimass_compiler.catalog.source import FileSource, Rows, UnreadableError
from aimass_compiler.diagnostics import first_line


class Parquet(FileSource):
    """Rows of Apache Parquet files."""

    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        import polars

        try:
            table = polars.scan_parquet(location, glob=not self.is_local, hive_partitioning=False)
            names = table.collect_schema().names()
            chosen = [name for name in names if wanted is None or name in wanted]
            frame = table.select(polars.selectors.by_name(chosen))
        except polars.exceptions.PolarsError as error:
            reason = first_line(error)
            raise UnreadableError(f"the file cannot be read as Parquet: {reason}") from None
        return Rows((frame,), tuple(names), lambda row: f"row {row + 1}")
