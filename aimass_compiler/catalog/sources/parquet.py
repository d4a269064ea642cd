"""Rows of Apache Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.source import Source

if TYPE_CHECKING:
    import polars


class Parquet(Source):
    """Rows of Apache Parquet files."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        return polars.scan_parquet(self.files(root))
