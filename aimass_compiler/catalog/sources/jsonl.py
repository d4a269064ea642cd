"""Rows of JSON objects, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.source import Source

if TYPE_CHECKING:
    import polars


class Jsonl(Source):
    """Rows of JSON objects, one a line; a key that a row lacks is a missing value."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        parts = [polars.scan_ndjson(location, infer_schema_length=None) for location in self.locations(root)]
        return polars.concat(parts, how="diagonal_relaxed")
