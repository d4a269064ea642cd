"""Rows of Apache Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.source import Source, together

if TYPE_CHECKING:
    import polars


class Parquet(Source):
    """Rows of Apache Parquet files."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        locations = self.locations(root)
        parts = [polars.scan_parquet(location, glob=not self.is_local) for location in locations]
        return together(parts, locations)
