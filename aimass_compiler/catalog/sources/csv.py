"""Rows of comma-separated values with a header line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.source import Source

if TYPE_CHECKING:
    import polars


class Csv(Source):
    """Rows of comma-separated values with a header line."""

    separator: str = Field(",", min_length=1, max_length=1)
    """What stands between values."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        return polars.scan_csv(self.files(root), separator=self.separator, infer_schema=False, null_values=[""])
