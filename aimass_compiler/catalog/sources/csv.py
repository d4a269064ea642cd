"""Rows of comma-separated values with a header line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from aimass_compiler.catalog.source import Source, together

if TYPE_CHECKING:
    import polars

#: A number with a comma, and nothing else, so that text with commas stays as it is.
DECIMAL_COMMA = r"^\s*(?P<whole>[-+]?[0-9]+),(?P<decimals>[0-9]+)\s*$"


class Csv(Source):
    """Rows of comma-separated values with a header line, in UTF-8; may be compressed by gzip or zstd."""

    has_types = False

    separator: str = Field(",", min_length=1, max_length=1)
    """What stands between values."""
    missing: tuple[str, ...] = ("",)
    """What stands for a missing value, such as `["", NA]`."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        locations = self.locations(root)
        parts = [
            polars.scan_csv(
                location,
                separator=self.separator,
                infer_schema=False,
                null_values=list(self.missing),
                glob=not self.is_local,
            )
            for location in locations
        ]
        names = parts[0].collect_schema().names()
        _require_names(names)
        rows = together(parts, locations)
        if self.decimal == ",":
            rows = rows.with_columns(polars.all().str.replace(DECIMAL_COMMA, r"${whole}.${decimals}"))
        # A blank line is no row, unless it may be the missing value of the only column.
        return rows.filter(~polars.all_horizontal(polars.all().is_null())) if len(names) > 1 else rows


def _require_names(names: list[str]) -> None:
    """Raises ValueError for a header of no text, or of like columns: polars renames the later ones."""
    if any("\x00" in name for name in names):
        raise ValueError("its header is not UTF-8 text")
    twice = [name.partition("_duplicated_")[0] for name in names if "_duplicated_" in name]
    if any(name in names for name in twice):
        raise ValueError(f"its header has two columns `{twice[0]}`")
