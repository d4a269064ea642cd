"""`aimass logs` and `aimass erase` on a store of records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from records.stored import bring, record

from aimass_compiler import record_names
from aimass_compiler.keyed_hash import keyed_hash
from aimass_compiler.runtime.__main__ import main as runtime
from cli.projects import Project


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    personal = {"age": 70.0, "customer_id": keyed_hash(b"secret", "customer_id", "4711")}
    bring(folder, record(1, caller="shop"), record(2, namespace="ml-dev"), record(3, inputs=personal))
    bring(folder, record(4, model="price"), record(5, namespace="elsewhere"))
    return folder


def shown(project: Project, store: Path, *options: str) -> list[str]:
    done = project.aimass("logs", "churn", "--store", str(store), *options)
    assert done.code == 0, done.err
    return [json.loads(line)["request_id"] for line in done.out.splitlines()]


def test_records_are_found_by_what_is_asked(project: Project, store: Path) -> None:
    assert shown(project, store) == ["request-1", "request-2", "request-3"]
    assert shown(project, store, "--env", "dev") == ["request-2"]
    assert shown(project, store, "--caller", "shop") == ["request-1"]
    assert shown(project, store, "--limit", "1") == ["request-1"]
    assert shown(project, store, "--where", "input_age > 60 AND output_probability_yes > 0.5") == [
        "request-3"
    ]
    assert shown(project, store, "--until", "2026-11-30T11:58:00Z") == ["request-3"]
    assert shown(project, store, "--version", "none") == []


def test_that_nothing_was_found_is_told(project: Project, store: Path, tmp_path: Path) -> None:
    empty = project.aimass("logs", "churn", "--store", str(tmp_path / "none"))
    assert empty.err.startswith("churn has no record yet in file://")
    none = project.aimass("logs", "churn", "--store", str(store), "--version", "none")
    assert none.err.startswith("churn has no record that matches in file://")


def test_records_are_written_as_a_file(project: Project, store: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    file = tmp_path / "records.parquet"
    assert shown(project, store, "--output", str(file)) == []
    assert parquet.read_table(file).num_rows == 3
    done = project.aimass("logs", "churn", "--store", str(store), "--format", "csv")
    assert done.out.startswith("time,request_id,row,")
    assert project.aimass("logs", "churn", "--store", str(store), "--format", "parquet").code == 2


def test_what_makes_no_sense_is_told_with_the_way_out(project: Project, store: Path) -> None:
    done = project.aimass("logs", "churn", "--store", str(store), "--where", "agee > 3")
    assert (done.code, done.out) == (1, "")
    assert "agee" in done.err
    assert "input_age" in done.err
    assert "--store" in project.aimass("logs", "churn").err, "no store is set"
    assert "7d" in project.aimass("logs", "churn", "--since", "yesterday").err


def test_a_customer_is_erased_by_the_key_that_servers_hash_with(
    project: Project, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runtime(["records", str(store)]) == 0
    assert "5 records became rows of tables, 0 were rejected" in capsys.readouterr().out
    spec = project.root / "specs" / "churn.yaml"
    personal = "    customer_id: {type: id, pii: hash}\n    charges"
    spec.write_text(spec.read_text().replace("    charges", personal, 1))
    erase = ("erase", "churn", "--store", str(store), "--key")
    assert "with the key" in project.aimass(*erase, "customer_id=4711").err
    monkeypatch.setenv(record_names.VARIABLE_RECORD_KEY, "secret")
    assert "customer_id" in project.aimass(*erase, "age=4").err
    assert "erased 1 records" in project.aimass(*erase, "customer_id=4711").out
    assert shown(project, store) == ["request-1", "request-2"]
    done = project.aimass("erase", "churn", "--store", str(store), "--request-id", "request-1")
    assert "erased 1 records" in done.out
    assert shown(project, store) == ["request-2"]
