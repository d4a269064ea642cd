"""Rows of Apache Arrow's IPC files, which are also called Feather, version 2."""

from __future__ import annotations

from collections.abc import Mapping

from aimass_compiler.catalog.source import FileSource, Rows, UnreadableError
from aimass_compiler.diagnostics import first_line


class Arrow(FileSource):
    """Rows of Apache Arrow files (`.arrow`, `.feather`)."""

    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        import polars

        try:
            table = polars.scan_ipc(location, glob=not self.is_local, hive_partitioning=False)
            names = table.collect_schema().names()
        except polars.exceptions.PolarsError as error:
            reason = first_line(error)
            hint = "it must be Arrow's file format, not its stream: `pyarrow.feather.write_feather` writes it"
            raise UnreadableError(f"the file cannot be read as Arrow: {reason}", hint) from None
        chosen = [name for name in names if wanted is None or name in wanted]
        return Rows(
            (table.select(polars.selectors.by_name(chosen)),), tuple(names), lambda row: f"row {row + 1}"
        )
