"""Records in an object store: an object is read once and deleted, and tables are as in a folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from harness.s3_server import s3_server
from pyarrow import fs

from aimass_compiler.records.compaction import Compacted, compact
from aimass_compiler.records.erasure import erase
from aimass_compiler.records.query import RecordsWanted, ask
from records.stored import NOW, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nightly


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server(tmp_path, monkeypatch) as url:
        yield f"{url}/records"


def put(store: str, name: str, *records: dict[str, Any]) -> None:
    with _s3().open_output_stream(f"{store[5:]}/raw/{name}") as stream:
        stream.write("\n".join(map(json.dumps, records)).encode())


def _s3() -> fs.FileSystem:
    return fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"], region="eu-central-1")


def found(store: str) -> list[str]:
    names = ask(store, RecordsWanted(model="churn")).column("request_id").to_pylist()
    return sorted(names)


def test_objects_become_rows_once_and_are_deleted(store: str) -> None:
    put(store, "2026/11/30/a", record(1), record(2))
    put(store, "2026/11/30/b", record(3))
    assert found(store) == ["request-1", "request-2", "request-3"]
    assert compact(store, {}, NOW) == Compacted(records=3, rejected=0)
    put(store, "2026/11/30/c", record(4))
    assert found(store) == ["request-1", "request-2", "request-3", "request-4"]
    assert compact(store, {}, NOW) == Compacted(records=1, rejected=0)
    raw = fs.FileSelector(f"{store[5:]}/raw", recursive=True, allow_not_found=True)
    assert [each.path for each in _s3().get_file_info(raw) if each.is_file] == []
    assert erase(store, "churn", "input_customer_id", "hash-1", NOW).rows == 2
    assert found(store) == ["request-2", "request-4"]
