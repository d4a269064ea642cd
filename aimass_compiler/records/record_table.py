"""The records of one model in one namespace: a Delta table, partitioned by version and date.

A commit is there as a whole or not at all, so that readers see no half of it, and it says which batch it is
of: what was appended before a job was killed is not appended again. Source:
https://delta-io.github.io/delta-rs/
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler.diagnostics import first_line
from aimass_compiler.programs.stored_files import StoreError

if TYPE_CHECKING:
    from datetime import date

    import pyarrow
    from deltalake import DeltaTable

FOLDER = "records"
_BATCHES = "aimass-compaction"
_PARTITIONS = ["version", "date"]
_INSTALL = "`pip install 'aimass-compiler[logs]'` brings what reads and writes records"


class RecordTable:
    """One table; it begins with its first rows."""

    def __init__(self, store: str, namespace: str, model: str) -> None:
        self.place = f"{FOLDER}/{namespace}/{model}"
        self._url = f"{store}/{self.place}".removeprefix("file://")
        self._options = storage_options(store)

    @property
    def is_there(self) -> bool:
        """Whether it has begun."""
        from deltalake import DeltaTable

        return bool(DeltaTable.is_deltatable(self._url, self._options))

    def append(self, rows: Sequence[Mapping[str, Any]], batch: int) -> int:
        """Append the rows of a batch, unless this was done before; how many there are of them now.

        Raises StoreError for rows whose columns are of other types than the table's.
        """
        from deltalake import CommitProperties, Transaction, write_deltalake

        if self.is_there and (self._table().transaction_version(_BATCHES) or 0) >= batch:
            return 0
        try:
            content = arrow_of(rows)
            write_deltalake(
                self._url,
                content,
                mode="append",
                partition_by=_PARTITIONS,
                schema_mode="merge",
                storage_options=self._options,
                commit_properties=CommitProperties(app_transactions=[Transaction(_BATCHES, batch)]),
            )
        except Exception as error:
            raise StoreError(f"{self.place}: {first_line(error)}", "they are kept in rejected/") from error
        return int(content.num_rows)

    def delete(self, predicate: str, reason: Mapping[str, str]) -> int:
        """Delete rows, whose files are gone with it; how many rows that were."""
        from deltalake import CommitProperties

        if not self.is_there:
            return 0
        table = self._table()
        done = table.delete(predicate, commit_properties=CommitProperties(custom_metadata=dict(reason)))
        count = int(done["num_deleted_rows"] or 0)
        if count or done["num_removed_files"]:
            self._vacuum()
        return count

    def keep_since(self, day: date) -> None:
        """Delete all that is older than a day."""
        if self.is_there and any(each["date"] < day.isoformat() for each in self._table().partitions()):
            self.delete(f"date < '{day.isoformat()}'", {"reason": f"kept since {day}"})

    def merge(self, before: date) -> None:
        """Make one file of many, in partitions to which nothing is added any more."""
        if not self.is_there:
            return
        done = self._table().optimize.compact(partition_filters=[("date", "<", before.isoformat())])
        if done["numFilesRemoved"]:
            self._vacuum()

    def columns(self) -> list[str]:
        """The names of its columns; none where it has not begun."""
        return [field.name for field in self._table().schema().fields] if self.is_there else []

    def rows(self, since: date | None, until: date | None, version: str | None) -> pyarrow.RecordBatchReader:
        """The rows of a version from one day to another, read as they are asked for."""
        from pyarrow import compute

        dataset = self._table().to_pyarrow_dataset()
        wanted = compute.scalar(True)  # a condition that every row meets
        if since is not None:
            wanted &= compute.field("date") >= since.isoformat()
        if until is not None:
            wanted &= compute.field("date") <= until.isoformat()
        if version is not None:
            wanted &= compute.field("version") == version
        # Not the dataset itself: its files have views of text once they were rewritten, which the conditions
        # that DuckDB would hand down cannot compare.
        return dataset.scanner(filter=wanted).to_reader()

    def _vacuum(self) -> None:
        """Deleted means gone: nobody reads older versions of the table."""
        self._table().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)

    def _table(self) -> DeltaTable:
        from deltalake import DeltaTable

        return DeltaTable(self._url, storage_options=self._options)


def arrow_of(rows: Sequence[Mapping[str, Any]]) -> pyarrow.Table:
    """Rows as Arrow, each once; a column that has no value in any of them is left out."""
    import pyarrow

    each_once = {(row["request_id"], row["row"], row["time"]): dict(row) for row in rows}
    names = {name: None for row in each_once.values() for name in row}
    table = pyarrow.Table.from_pylist([{name: row.get(name) for name in names} for row in each_once.values()])
    if "caller" in names and pyarrow.types.is_null(table.schema.field("caller").type):
        nobody = pyarrow.nulls(table.num_rows, pyarrow.string())
        table = table.set_column(table.schema.get_field_index("caller"), "caller", nobody)
    return table.select([field.name for field in table.schema if not pyarrow.types.is_null(field.type)])


def storage_options(store: str) -> dict[str, str] | None:
    """What the table's library has to be told of a store beside what it finds itself."""
    if not store.startswith("s3://"):
        return None
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    options = {"AWS_ENDPOINT_URL": server} if server else {}
    return options | ({"AWS_ALLOW_HTTP": "true"} if server.startswith("http://") else {})


def require_library() -> None:
    """Raise StoreError where the library of the tables is not installed."""
    try:
        import deltalake  # noqa: F401  # whether it can be
    except ModuleNotFoundError:
        raise StoreError("deltalake is not installed", _INSTALL) from None
