"""Rows of JSON objects, one a line."""

from __future__ import annotations

from collections.abc import Mapping

from aimass_compiler.catalog.source import FileSource, Rows


class Jsonl(FileSource):
    """Rows of JSON objects, one a line; a key that a row lacks is a missing value."""

    may_lack_columns = True

    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        from aimass_compiler.catalog.sources import _objects

        return _objects.read(location, wanted)
