"""Erasing the records of a person or a request: from the tables at once, and from what collectors still
bring.

A person is known by the keyed hash of a personal column. What was erased stays on record by that hash, so
that records of before which arrive later are erased as well, and so that it can be shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aimass_compiler.programs.stored_files import StoredFiles
from aimass_compiler.records.record_table import FOLDER, RecordTable

_FOLDER, _FORMAT = "erasures", "aimass.erasure/v1"
#: For as long, a record of before may come into a table after it was erased there.
_ON_THEIR_WAY = timedelta(days=2)


class Erasure(NamedTuple):
    """What was erased."""

    model: str
    column: str
    """`request_id`, or `input_NAME`."""
    value: str
    """The name of a request, or a keyed hash."""
    time: str
    rows: int | None
    """How many were in the tables; None as long as it is not done."""


class Erasures:
    """All erasures of a store."""

    def __init__(self, files: StoredFiles) -> None:
        listed = files.listed(_FOLDER)
        self.all = [Erasure(**json.loads(files.read(file.name))["erasure"]) for file in listed]
        self._until = {(each.model, each.column, each.value): each.time for each in self.all}
        self._columns = {each.column for each in self.all}

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of what was erased after it was recorded."""
        for column in self._columns:
            until = self._until.get((row["model"], column, str(row.get(column))))
            if until is not None and row["time"] <= datetime.fromisoformat(until):
                return True
        return False


def erase(store: str, model: str, column: str, value: str, now: datetime) -> Erasure:
    """Erase every record of a model until now, in whatever namespace, in which a column has a value.

    It is on record first: should this be killed, the next compaction goes on with it.
    """
    files = StoredFiles(store)
    erasure = Erasure(model, column, value, now.isoformat(), None)
    _write(files, erasure)
    return _performed(files, erasure)


def repeat(files: StoredFiles, now: datetime) -> None:
    """Perform what was killed, and again what was erased while records may have been on their way."""
    for erasure in Erasures(files).all:
        if erasure.rows is None or now - datetime.fromisoformat(erasure.time) < _ON_THEIR_WAY:
            _performed(files, erasure)


def _performed(files: StoredFiles, erasure: Erasure) -> Erasure:
    until = f"time <= '{erasure.time}'"
    rows = erasure.rows or 0
    for namespace in files.folders(FOLDER):
        table = RecordTable(files.url, namespace, erasure.model)
        if erasure.column in table.columns():
            predicate = f"{_name(erasure.column)} = {_text(erasure.value)} AND {until}"
            rows += table.delete(predicate, {"reason": "erased", "column": erasure.column})
    if rows != erasure.rows:
        erasure = erasure._replace(rows=rows)
        _write(files, erasure)
    return erasure


def _write(files: StoredFiles, erasure: Erasure) -> None:
    document = {"format": _FORMAT, "erasure": erasure._asdict()}
    name = hashlib.sha256("\n".join(erasure[:4]).encode()).hexdigest()[:32]
    files.write(f"{_FOLDER}/{name}.json", json.dumps(document, indent=1).encode())


def _name(column: str) -> str:
    escaped = column.replace('"', '""')
    return f'"{escaped}"'


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
