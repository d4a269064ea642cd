"""Rows of an Apache Iceberg table, fetched by `aimass fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from aimass_compiler.catalog.fetched_source import FetchedRows, FetchedSource, SnapshotPath
from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.source import inside


class Iceberg(FetchedSource):
    """Rows of an Apache Iceberg table.

    `aimass fetch` reads the table's metadata and writes a snapshot, which runs read.
    """

    short_form: ClassVar[str | None] = None

    table: Annotated[str, Field(min_length=1)]
    """The table in its catalog, such as `shop.orders`; without a catalog its folder, below the project's root
    or at an address, or one of its metadata files."""
    catalog: Annotated[str, Field(min_length=1)] | None = None
    """The name of the catalog in pyiceberg's configuration: a file, or `PYICEBERG_CATALOG__…` variables."""
    at: Annotated[Integer, Field(ge=0)] | None = None
    """The number of Iceberg's snapshot that is read; by default the latest one when rows are fetched."""
    snapshot: SnapshotPath
    """The Parquet file of the project that `aimass fetch` writes, such as `data/orders.parquet`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.catalog is None:
            inside(self.table)
        return self

    @property
    def question(self) -> str:
        catalog = "" if self.catalog is None else f" in {self.catalog}"
        return f"iceberg {self.table}{catalog}" + ("" if self.at is None else f" at {self.at}")

    @property
    def snapshot_path(self) -> str:
        return self.snapshot

    def fetched(self, root: Path) -> FetchedRows:
        from aimass_compiler.catalog.sources import _lakes

        return _lakes.of_iceberg(self.table, self.catalog, self.at, root)
