"""Rows of a Delta table, fetched by `aimass fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from aimass_compiler.catalog.fetched_source import FetchedRows, FetchedSource, SnapshotPath
from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.source import inside


class Delta(FetchedSource):
    """Rows of a Delta Lake table.

    `aimass fetch` reads the table's log and writes a snapshot, which runs read.
    """

    short_form: ClassVar[str | None] = None

    table: Annotated[str, AfterValidator(inside)]
    """The folder of the table, below the project's root, or its address, such as `s3://lake/orders`."""
    version: Annotated[Integer, Field(ge=0)] | None = None
    """Which version of the table is read; by default the latest one when rows are fetched."""
    snapshot: SnapshotPath
    """The Parquet file of the project that `aimass fetch` writes, such as `data/orders.parquet`."""

    @property
    def question(self) -> str:
        return f"delta {self.table}" + ("" if self.version is None else f" version {self.version}")

    @property
    def snapshot_path(self) -> str:
        return self.snapshot

    def fetched(self, root: Path) -> FetchedRows:
        from aimass_compiler.catalog.sources import _lakes

        return _lakes.of_delta(self.table, self.version, root)
