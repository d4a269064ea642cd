"""What a database answers, through ADBC, in an order of rows that the database does not choose.

Source: https://arrow.apache.org/adbc/
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from aimass_compiler.catalog.fetched_source import SourceUnreachableError, in_order
from aimass_compiler.catalog.source import UnreadableError

if TYPE_CHECKING:
    import polars
    import pyarrow

_ATTEMPTS = 3
_FIRST_WAIT_SECONDS = 1.0
_INSTALL = "`pip install 'aimass-compiler[sql]'` brings what reads databases"
#: What ADBC writes before and after what the database itself says.
_BEFORE = re.compile(
    r"^(?:.*?(?:ERROR|FATAL):\s+|[A-Z_]+: (?:\[\w+\] )?(?:Failed to [a-z]+(?: query)?: )?)", re.DOTALL
)
_AFTER = re.compile(r"\s*\n.*", re.DOTALL)
#: The metadata of a field that says its type in PostgreSQL.
_POSTGRESQL_TYPE = b"POSTGRESQL:type"
_UUID = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"


class _Driver(Struct, frozen=True):
    """One kind of database: the module that reads it, and what is set before the question."""

    module: str
    options: Mapping[str, str] = {}
    opening: str = ""


_POSTGRESQL = _Driver("adbc_driver_postgresql", opening="SET TRANSACTION READ ONLY")
#: SQLite has types by cell, and the driver goes by those of the first batch.
_SQLITE = _Driver("adbc_driver_sqlite", options={"adbc.sqlite.query.batch_rows": str(2**20)})
_DRIVERS = {"postgresql": _POSTGRESQL, "postgres": _POSTGRESQL, "sqlite": _SQLITE}


def rows(statement: str, variable: str, root: Path) -> polars.DataFrame:
    """The rows that a statement selects, sorted by all columns.

    Without `ORDER BY`, a database may return them in another order each time. The address is in an
    environment variable, and no message repeats it.

    Raises UnreadableError and SourceUnreachableError.
    """
    address = os.environ.get(variable, "")
    if not address:
        hint = f"export {variable}=postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:///data/FILE.db"
        raise SourceUnreachableError(f"the environment variable {variable} is not set", hint)
    scheme = address.partition(":")[0].partition("+")[0].lower()
    driver = _DRIVERS.get(scheme)
    if driver is None:
        kinds = "postgresql:// or sqlite:///"
        raise SourceUnreachableError(
            f"{variable} holds no address of a known database", f"it begins with {kinds}"
        )
    return in_order(_typed(_asked(driver, statement, address, variable, root)))


def _asked(driver: _Driver, statement: str, address: str, variable: str, root: Path) -> pyarrow.Table:
    try:
        manager = import_module("adbc_driver_manager")
        import_module(f"{driver.module}.dbapi")
    except ModuleNotFoundError as missing:
        raise SourceUnreachableError(f"{missing.name} is not installed", _INSTALL) from None
    connection = _connected(driver, _uri(driver, address, root), address, variable)
    try:
        with closing(connection), connection.cursor() as cursor:
            if driver.opening:
                cursor.execute(driver.opening)
            cursor.adbc_statement.set_options(**driver.options)
            cursor.execute(statement)
            return cursor.fetch_arrow_table()
    except manager.OperationalError as error:
        message = f"the database of {variable} stopped answering: {_reason(error, address)}"
        raise SourceUnreachableError(
            message, "fetch again; a database that only reads refuses to write"
        ) from None
    except manager.Error as error:
        hint = "try it in the database's own shell; it must be one `SELECT`"
        raise UnreadableError(f"the database refuses the query: {_reason(error, address)}", hint) from None


def _uri(driver: _Driver, address: str, root: Path) -> str:
    """The address as the driver takes it; a SQLite file is below the project's root, and must be there."""
    if driver is not _SQLITE:
        return re.sub(r"^\w+(\+\w+)?:", "postgresql:", address)
    path = root / unquote(re.sub(r"^\w+(\+\w+)?:/{0,3}", "", address, flags=re.ASCII))
    if not path.is_file():
        raise SourceUnreachableError(
            "the file of the SQLite database does not exist",
            "`sqlite:///data/shop.db` is below the project's root, `sqlite:////srv/shop.db` is not",
        )
    return f"file:{quote(str(path))}?mode=ro"


def _connected(driver: _Driver, uri: str, address: str, variable: str) -> Any:
    """A connection; what does not answer at once is asked again, but not with a password that is refused."""
    manager = import_module("adbc_driver_manager")
    connect = import_module(f"{driver.module}.dbapi").connect
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return connect(uri)
        except manager.Error as error:
            reason = _reason(error, address)
            if attempt == _ATTEMPTS or "authentication" in reason:
                hint = f"is the address in {variable} right, and may this machine reach it?"
                message = f"the database of {variable} cannot be reached: {reason}"
                raise SourceUnreachableError(message, hint) from None
        time.sleep(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    raise AssertionError("the last attempt answers or raises")


def _reason(error: Exception, address: str) -> str:
    """What the database says, in one line, without the address or its password."""
    message = str(error)
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = address
    for secret in {address, address.rpartition("@")[0].partition("://")[2], password, unquote(password)} - {
        ""
    }:
        message = message.replace(secret, "…")
    return _AFTER.sub("", _BEFORE.sub("", message)).strip()


def _typed(table: pyarrow.Table) -> polars.DataFrame:
    """The table in the types of polars: decimal numbers as numbers, UUIDs as text.

    Raises UnreadableError for a type that polars does not have.
    """
    import polars

    columns = []
    for field, values in zip(table.schema, table.columns, strict=True):
        kind = (field.metadata or {}).get(_POSTGRESQL_TYPE, b"").decode()
        plain = values.cast(field.type.storage_type) if hasattr(field.type, "storage_type") else values
        is_opaque = getattr(field.type, "extension_name", "") == "arrow.opaque"
        try:
            if is_opaque and kind != "numeric":
                raise polars.exceptions.ComputeError(kind)
            column = polars.Series(field.name, plain)
        except polars.exceptions.PolarsError:
            message = f"the column `{field.name}` is of the type {kind or field.type}, which cannot be read"
            raise UnreadableError(
                message, f"select it as text: `CAST({field.name} AS text) AS {field.name}`"
            ) from None
        columns.append(_plain(column, kind))
    return polars.DataFrame(columns)


def _plain(column: polars.Series, kind: str) -> polars.Series:
    import polars

    if kind == "numeric":
        return column.cast(polars.Float64)
    if kind == "uuid":
        return column.bin.encode("hex").str.replace(_UUID, "${1}-${2}-${3}-${4}-${5}")
    return column
