"""Every record becomes one row, whatever interrupts the job, and goes when it should."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aimass_compiler.programs.stored_files import StoredFiles, StoreError
from aimass_compiler.records import compaction
from aimass_compiler.records.compaction import Compacted, compact
from aimass_compiler.records.erasure import erase
from aimass_compiler.records.record_table import RecordTable
from records.stored import NOW, RAW, bring, in_otlp, record, requests, url_of


def stored(folder: Path) -> list[str]:
    """The requests in the table itself."""
    rows = RecordTable(url_of(folder), "ml-prod", "churn").rows(None, None, None).read_all()
    return sorted(rows.column("request_id").to_pylist())


def test_lines_of_servers_and_batches_of_otlp_become_rows_once(tmp_path: Path) -> None:
    bring(tmp_path, record(1), in_otlp(record(2), record(3), record(3)), "garbage\n", json.dumps(record(4)))
    assert compact(url_of(tmp_path), {}, NOW) == Compacted(records=3, rejected=1)
    assert requests(tmp_path) == ["request-1", "request-2", "request-3"]
    bring(tmp_path, "\n", record(5))
    assert requests(tmp_path) == [f"request-{number}" for number in range(1, 6)], "before they are in a table"
    assert compact(url_of(tmp_path), {}, NOW) == Compacted(records=2, rejected=0)
    assert compact(url_of(tmp_path), {}, NOW) == Compacted(records=0, rejected=0)
    assert stored(tmp_path) == [f"request-{number}" for number in range(1, 6)]
    assert list((tmp_path / "records/ml-prod/churn").glob("version=*/date=2026-11-30/*.parquet"))


@pytest.mark.parametrize("killed_at", ["append", "finish"])
def test_a_run_that_was_killed_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    bring(tmp_path, record(1), record(2, namespace="ml-dev"))

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if killed_at == "append":
            append = RecordTable.append
            patched.setattr(RecordTable, "append", lambda *given: (append(*given), kill()))
        else:
            patched.setattr(compaction, "_finish", kill)
        with pytest.raises(KeyboardInterrupt):
            compact(url_of(tmp_path), {}, NOW)
    bring(tmp_path, record(3))
    assert requests(tmp_path) == ["request-1", "request-2", "request-3"], "what is in both is read once"
    compact(url_of(tmp_path), {}, NOW)
    assert stored(tmp_path) == ["request-1", "request-3"]
    assert requests(tmp_path, namespaces=["ml-dev"]) == ["request-2"]


def test_a_file_that_is_renamed_is_not_read_again(tmp_path: Path) -> None:
    bring(tmp_path, record(1))
    compact(url_of(tmp_path), {}, NOW)
    (tmp_path / RAW).rename(tmp_path / "raw/node-1/records-2026-11-30T12-00-00.000.jsonl")
    bring(tmp_path, record(2))
    assert compact(url_of(tmp_path), {}, NOW).records == 1
    far = NOW + timedelta(days=4000)
    compact(url_of(tmp_path), {"churn": 10_000}, far)
    assert [path.name for path in (tmp_path / "raw/node-1").iterdir()] == ["records.jsonl"], (
        "the newest stays"
    )
    assert compact(url_of(tmp_path), {"churn": 10_000}, far).records == 0


def test_a_column_of_another_type_is_rejected_with_the_reason_and_new_columns_are_taken(
    tmp_path: Path,
) -> None:
    bring(tmp_path, record(1))
    compact(url_of(tmp_path), {}, NOW)
    bring(tmp_path, record(2, inputs={"age": "old"}), record(3, inputs={"age": "young"}))
    assert compact(url_of(tmp_path), {}, NOW) == Compacted(records=0, rejected=2)
    (reasons,) = [path.read_text() for path in (tmp_path / "rejected").iterdir()]
    assert "records/ml-prod/churn" in json.loads(reasons.splitlines()[0])["reason"]
    bring(tmp_path, record(4, inputs={"age": 4.0, "plan": "pro"}))
    assert compact(url_of(tmp_path), {}, NOW).records == 1
    assert requests(tmp_path, where="input_plan = 'pro'") == ["request-4"]


def test_records_are_kept_as_long_as_the_spec_says(tmp_path: Path) -> None:
    old = 60 * 24 * 20
    bring(tmp_path, record(1), record(old), record(old, model="price"), record(old, namespace="ml-dev"))
    compact(url_of(tmp_path), {"churn": 10, "ml-dev/churn": 30}, NOW)
    assert stored(tmp_path) == ["request-1"]
    assert len(list((tmp_path / "records/ml-prod/churn").rglob("*.parquet"))) == 1, "deleted means gone"
    assert len(list((tmp_path / "records/ml-prod/price").rglob("*.parquet"))) == 1
    assert len(list((tmp_path / "records/ml-dev/churn").rglob("*.parquet"))) == 1, "as this environment says"


def test_a_person_is_erased_from_tables_and_from_what_still_comes_in(tmp_path: Path) -> None:
    bring(tmp_path, *(record(number) for number in range(1, 5)))
    compact(url_of(tmp_path), {}, NOW)
    assert erase(url_of(tmp_path), "churn", "input_customer_id", "hash-1", NOW).rows == 2
    assert requests(tmp_path) == ["request-2", "request-4"]
    late, after = record(7), record(-1, inputs={"age": 1.0, "customer_id": "hash-1"})
    bring(tmp_path, late, after)
    assert requests(tmp_path) == ["request--1", "request-2", "request-4"], (
        "not before it is in a table, either"
    )
    compact(url_of(tmp_path), {}, NOW)
    assert stored(tmp_path) == ["request--1", "request-2", "request-4"]
    texts = b"".join(path.read_bytes() for path in (tmp_path / "records").rglob("*.parquet"))
    assert b"request-1" not in texts
    assert b"request-3" not in texts


def test_an_erasure_that_was_killed_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path, record(1), record(2))
    compact(url_of(tmp_path), {}, NOW)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RecordTable, "delete", kill)
        with pytest.raises(KeyboardInterrupt):
            erase(url_of(tmp_path), "churn", "request_id", "request-1", NOW)
    compact(url_of(tmp_path), {}, NOW + timedelta(days=30))
    assert stored(tmp_path) == ["request-2"]


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compaction.json").write_text('{"format": "aimass.compaction/v9"}')
    with pytest.raises(StoreError, match=r"format aimass\.compaction/v9"):
        compact(url_of(tmp_path), {}, NOW)
    assert StoredFiles(url_of(tmp_path)).listed("raw") == []
