"""Rows of JSON objects, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.source import Source

if TYPE_CHECKING:
    import polars


class Jsonl(Source):
    """Rows of JSON objects, one a line."""

    def scan(self, root: Path) -> polars.LazyFrame:
        import polars

        return polars.scan_ndjson(self.files(root), infer_schema_length=None)
