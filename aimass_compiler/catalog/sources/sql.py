"""Rows of a SQL database, fetched by `aimass fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.fetched_source import FetchedRows, FetchedSource, SnapshotPath

if TYPE_CHECKING:
    from typing import Self


def _variable(name: str) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise PydanticCustomError(
            "variable", "`connection` is the name of an environment variable, such as `DATABASE_URL`", {}
        )
    return name


class Sql(FetchedSource):
    """Rows of a table or a query of PostgreSQL or SQLite.

    `aimass fetch` asks the database and writes a snapshot, which runs read.
    """

    query: Annotated[str, Field(min_length=1)] | None = None
    """A `SELECT` whose columns are the source's; instead of `table`."""
    table: Annotated[str, Field(min_length=1)] | None = None
    """A table or view of which all is read, such as `sales.customers`; instead of `query`."""
    connection: Annotated[str, AfterValidator(_variable)] = "DATABASE_URL"
    """The environment variable that holds the database's address, such as
    `postgresql://reader:…@db.example.com/shop` or `sqlite:///data/shop.db`. It is never written anywhere."""
    snapshot: SnapshotPath
    """The Parquet file of the project that `aimass fetch` writes, such as `data/customers.parquet`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.query is None and self.table is None:
            raise PydanticCustomError("no_query", "needs `query` or `table`", {})
        if self.query is not None and self.table is not None:
            raise PydanticCustomError("two_queries", "takes `query` or `table`, not both", {})
        return self

    @property
    def question(self) -> str:
        if self.query is not None:
            return self.query.strip().rstrip(";").rstrip()
        parts = (self.table or "").split(".")
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
        return f"SELECT * FROM {quoted}"  # noqa: S608  # the parts are quoted

    @property
    def snapshot_path(self) -> str:
        return self.snapshot

    def fetched(self, root: Path) -> FetchedRows:
        from aimass_compiler.catalog.sources import _database

        return FetchedRows(_database.rows(self.question, self.connection, root))
