"""Rows of a SQL database, fetched by `aimass fetch`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.fetched_source import FetchedSource
from aimass_compiler.catalog.source import Rows, UnreadableError, inside
from aimass_compiler.catalog.sources.parquet import Parquet

if TYPE_CHECKING:
    from typing import Self

    import polars

#: The key of a snapshot's metadata that says which statement its rows answer.
_STATEMENT = "aimass.statement"
_FETCH = "`aimass fetch` fetches its rows again"


def _parquet(path: str) -> str:
    if "://" in path or not path.endswith(".parquet"):
        raise PydanticCustomError(
            "snapshot", "`{path}` is no Parquet file of the project; write it like `data/customers.parquet`",
            {"path": path},
        )  # fmt: skip
    return path


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
    snapshot: Annotated[str, AfterValidator(_parquet), AfterValidator(inside)]
    """The Parquet file of the project that `aimass fetch` writes, such as `data/customers.parquet`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.query is None and self.table is None:
            raise PydanticCustomError("no_query", "needs `query` or `table`", {})
        if self.query is not None and self.table is not None:
            raise PydanticCustomError("two_queries", "takes `query` or `table`, not both", {})
        return self

    @property
    def statement(self) -> str:
        """What the database is asked."""
        if self.query is not None:
            return self.query.strip().rstrip(";").rstrip()
        parts = (self.table or "").split(".")
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
        return f"SELECT * FROM {quoted}"  # noqa: S608  # the parts are quoted

    @property
    def snapshot_path(self) -> str:
        return self.snapshot

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        rows = Parquet(path=self._escaped).read(root, wanted)
        if self.differs_from(root / self.snapshot):
            raise UnreadableError(f"{self.snapshot} answers another query than this one", _FETCH)
        return rows

    def differs_from(self, snapshot: Path) -> bool:
        import polars

        try:
            return polars.read_parquet_metadata(snapshot).get(_STATEMENT) != self._digest
        except polars.exceptions.PolarsError:
            return True

    def rows(self, root: Path) -> polars.DataFrame:
        from aimass_compiler.catalog.sources import _database

        return _database.rows(self.statement, self.connection, root)

    def content(self, rows: polars.DataFrame) -> bytes:
        written = io.BytesIO()
        rows.write_parquet(written, metadata={_STATEMENT: self._digest})
        return written.getvalue()

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.statement.encode()).hexdigest()

    @property
    def _escaped(self) -> str:
        """The snapshot's path as a pattern that it alone matches."""
        return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in self.snapshot)
