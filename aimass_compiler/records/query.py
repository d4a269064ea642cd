"""Questions to the records of a model: those in tables, and those that collectors brought since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from aimass_compiler.programs.stored_files import StoredFiles, StoreError
from aimass_compiler.records import compaction, erasure
from aimass_compiler.records.raw_records import row_of
from aimass_compiler.records.record_table import FOLDER, RecordTable, arrow_of, require_library

if TYPE_CHECKING:
    import duckdb
    import pyarrow


@dataclass(frozen=True, kw_only=True)
class RecordsWanted:
    """Which records are wanted, newest first; what is None or empty restricts nothing."""

    model: str
    namespaces: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    version: str | None = None
    request_id: str | None = None
    caller: str | None = None
    where: str | None = None
    """A condition in DuckDB's SQL over the columns, such as `input_age > 40`."""
    limit: int | None = None


def ask(store: str, question: RecordsWanted) -> pyarrow.Table:
    """The records, each once, newest first; no columns where the model has none.

    Raises StoreError where the store cannot be read, and for a condition that makes no sense.
    """
    require_library()
    import duckdb
    import pyarrow

    files = StoredFiles(store)
    with duckdb.connect() as connection:
        sources = dict(_sources(connection, files, question))
        if not sources:
            return pyarrow.table({})
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        try:
            query, values = _query(sources, question)
            return connection.sql(query, params=values).to_arrow_table()
        except duckdb.Error as error:
            message, names = str(error).strip().partition("\n")[0], dict.fromkeys(chain(*sources.values()))
            raise StoreError(message, f"the columns are: {', '.join(names)}") from None


def _sources(
    connection: duckdb.DuckDBPyConnection, files: StoredFiles, question: RecordsWanted
) -> Iterator[tuple[str, Sequence[str]]]:
    """What rows are read from, each under a name that the connection knows, with its columns."""
    for namespace in files.folders(FOLDER):
        table = RecordTable(files.url, namespace, question.model)
        if (not question.namespaces or namespace in question.namespaces) and table.is_there:
            name = f"stored_{len(namespace)}_{namespace}"
            since, until = (
                None if each is None else each.date() for each in (question.since, question.until)
            )
            connection.register(name, table.rows(since, until, question.version))
            yield f'"{name}"', table.columns()
    rows = list(_pending(files, question))
    if rows:
        found = arrow_of(rows)
        connection.register("pending", found)
        yield "pending", found.column_names


def _pending(files: StoredFiles, question: RecordsWanted) -> Iterator[dict[str, Any]]:
    erased = erasure.Erasures(files)
    for record in compaction.pending(files):
        try:
            row = row_of(record)
        except (KeyError, ValueError, TypeError, AttributeError):
            continue  # compaction rejects it, and says so
        is_wanted = row["model"] == question.model and (
            not question.namespaces or row["namespace"] in question.namespaces
        )
        if is_wanted and not erased.has(row):
            yield row


def _query(sources: Iterable[str], question: RecordsWanted) -> tuple[str, list[Any]]:
    """The question in SQL; a caller's values are parameters, and the condition is the caller's SQL."""
    conditions = {
        "time >= ?": question.since,
        "time < ?": question.until,
        "version = ?": question.version,
        "request_id = ?": question.request_id,
        "caller = ?": question.caller,
    }
    asked = {text: value for text, value in conditions.items() if value is not None}
    where = " AND ".join([*asked, *([f"({question.where})"] if question.where else [])]) or "true"
    once = 'QUALIFY row_number() OVER (PARTITION BY request_id, "row", time, version) = 1'
    limit = "" if question.limit is None else f" LIMIT {question.limit:d}"
    found = f"(SELECT * FROM ({_all_rows(sources)}) {once})"  # noqa: S608  # our names
    # Whoever asks may read all of it, and the connection reaches nothing else.
    query = f"SELECT * EXCLUDE (date) FROM {found} WHERE {where}"  # noqa: S608  # as said
    return f'{query} ORDER BY time DESC, request_id, "row"{limit}', [*asked.values()]


def _all_rows(sources: Iterable[str]) -> str:
    return " UNION ALL BY NAME ".join(f"SELECT * FROM {name}" for name in sources)  # noqa: S608  # our names
