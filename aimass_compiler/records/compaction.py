"""What collectors brought becomes tables: each record once, whatever interrupts it.

What one batch is of is written down before its rows are, and each table's commit names the batch. A run that
was killed is finished by the next: tables that have the batch already are left as they are. An object is
deleted once all tables have its rows; of a file that still grows, it is remembered how far it was read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aimass_compiler import record_names
from aimass_compiler.programs.stored_files import StoredFile, StoredFiles, StoreError
from aimass_compiler.records import erasure
from aimass_compiler.records.raw_records import records_in, row_of
from aimass_compiler.records.record_table import FOLDER, RecordTable

_STATE_FILE = "compaction.json"
_REJECTED_FOLDER, _REJECTED_DAYS = "rejected", 30
_FORMAT = "aimass.compaction/v1"
#: Of what is read at once: rows take some ten times as much memory.
_BATCH_BYTES = 64 << 20
#: By which a file is known that was renamed since: its first record has a time and the name of a request.
_HEAD_BYTES = 256
#: How long files that were read are kept where they grow: their writer may still have the newest open.
_KEPT = timedelta(days=2)


class Part(NamedTuple):
    """What of a file a batch reads."""

    name: str
    head: str
    """What the file begins with, as a digest; empty of an object."""
    start: int
    end: int


@dataclass
class CompactionState:
    """How far compaction is: the number of the last batch, and what it is of as long as it is not done."""

    number: int = 0
    plan: list[Part] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    """How far growing files were read, by what they begin with."""

    @classmethod
    def of(cls, files: StoredFiles) -> CompactionState:
        """As the store has it. Raises StoreError for another format."""
        content = files.found(_STATE_FILE)
        if content is None:
            return cls()
        document = json.loads(content)
        if document.get("format") != _FORMAT:
            message = f"{files.url}/{_STATE_FILE} has the format {document.get('format')}, not {_FORMAT}"
            raise StoreError(message, "a newer compiler wrote it")
        return cls(document["number"], [Part(*each) for each in document["plan"]], document["read"])

    def write(self, files: StoredFiles) -> None:
        """Keep it in the store."""
        document = {"format": _FORMAT, "number": self.number, "plan": self.plan, "read": self.read}
        files.write(_STATE_FILE, json.dumps(document).encode())


class Compacted(NamedTuple):
    """What a run did."""

    records: int
    rejected: int
    """Lines that are no records, or do not fit into their table."""


def compact(store: str, retention_days: Mapping[str, int], now: datetime) -> Compacted:
    """Append everything new to the tables, then delete what is older than models keep it."""
    files = StoredFiles(store)
    state, done = CompactionState.of(files), Compacted(0, 0)
    while True:
        if not state.plan:
            state.plan = list(_planned(files, state.read))
            if not state.plan:
                break
            state.number += 1
            state.write(files)
        outcome = _appended(files, state)
        done = Compacted(done.records + outcome.records, done.rejected + outcome.rejected)
        _finish(files, state)
    _tidy(files, state, now)
    erasure.repeat(files, now)
    for table, namespace, model in tables(files):
        table.merge(now.date())
        days = retention_days.get(model, record_names.KEPT_DAYS)
        table.keep_since(now.date() - timedelta(days=retention_days.get(f"{namespace}/{model}", days)))
    return done


def tables(files: StoredFiles) -> Iterator[tuple[RecordTable, str, str]]:
    """Every table of a store, with its namespace and model."""
    for namespace in files.folders(FOLDER):
        for model in files.folders(f"{FOLDER}/{namespace}"):
            yield RecordTable(files.url, namespace, model), namespace, model


def pending(files: StoredFiles) -> Iterator[dict[str, Any]]:
    """The records that are in no table yet; of a batch that is not done, those that may be in one, too."""
    state = CompactionState.of(files)
    for part in (*state.plan, *_new(files, state.read)):
        for record in records_in(files.read(part.name, part.start, part.end)):
            if record is not None:
                yield record


def _planned(files: StoredFiles, read: Mapping[str, int]) -> Iterator[Part]:
    size = 0
    for part in _new(files, read):
        if size and size + part.end - part.start > _BATCH_BYTES:
            return
        size += part.end - part.start
        yield part


def _new(files: StoredFiles, read: Mapping[str, int]) -> Iterator[Part]:
    """What is new, in whole lines."""
    for file in files.listed(record_names.RAW_RECORDS_FOLDER):
        if not files.is_folder:
            yield Part(file.name, "", 0, file.size)
            continue
        head = _head(files, file)
        start = read.get(head, 0)
        if not head or file.size <= start:
            continue
        end = start + files.read(file.name, start, min(file.size, start + _BATCH_BYTES)).rfind(b"\n") + 1
        if end > start:
            yield Part(file.name, head, start, end)


def _head(files: StoredFiles, file: StoredFile) -> str:
    """Nothing as long as the first line may still grow."""
    content = files.read(file.name, 0, _HEAD_BYTES)
    is_whole = len(content) == _HEAD_BYTES or content.endswith(b"\n")
    return hashlib.sha256(content.partition(b"\n")[0]).hexdigest()[:32] if is_whole else ""


def _appended(files: StoredFiles, state: CompactionState) -> Compacted:
    rows, rejected = _grouped(files, state.plan)
    count = 0
    for (namespace, model), found in sorted(rows.items()):
        try:
            count += RecordTable(files.url, namespace, model).append(found, state.number)
        except StoreError as failure:
            rejected += [{"reason": str(failure), **row} for row in found]
    if rejected:
        lines = (json.dumps(each, default=str) for each in rejected)
        files.write(f"{_REJECTED_FOLDER}/{state.number}.jsonl", "\n".join(lines).encode())
    return Compacted(count, len(rejected))


def _grouped(
    files: StoredFiles, plan: Sequence[Part]
) -> tuple[dict[tuple[str, str], list[dict[str, Any]]], list[dict[str, Any]]]:
    """The rows of each table, without those that were erased, and what is none."""
    erased = erasure.Erasures(files)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    rejected: list[dict[str, Any]] = []
    for part in plan:
        content = files.found(part.name) if not part.head else files.read(part.name, part.start, part.end)
        for record in records_in(content or b""):
            try:
                row = row_of(record or {})
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                rejected.append({"reason": f"no record: {error!r}", "file": part.name})
                continue
            if not erased.has(row):
                rows.setdefault((row["namespace"], row["model"]), []).append(row)
    return rows, rejected


def _finish(files: StoredFiles, state: CompactionState) -> None:
    """Forget what a batch is of, once nothing of it can be read again."""
    for part in state.plan:
        if part.head:
            state.read[part.head] = part.end
        else:
            files.delete(part.name)
    state.plan = []
    state.write(files)


def _tidy(files: StoredFiles, state: CompactionState, now: datetime) -> None:
    """Delete what was rejected long ago, and growing files that were read to their end, but the newest."""
    for file in files.listed(_REJECTED_FOLDER):
        if now - file.changed > timedelta(days=_REJECTED_DAYS):
            files.delete(file.name)
    if not files.is_folder:
        return
    newest: dict[str, StoredFile] = {}
    listed = files.listed(record_names.RAW_RECORDS_FOLDER)
    for file in sorted(listed, key=lambda each: each.changed):
        newest[file.name.rpartition("/")[0]] = file
    for file in listed:
        head = _head(files, file)
        is_read = state.read.get(head, 0) >= file.size
        if is_read and now - file.changed > _KEPT and file not in newest.values():
            files.delete(file.name)
            state.read.pop(head, None)
    state.write(files)
