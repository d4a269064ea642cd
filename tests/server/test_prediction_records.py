"""Records of predictions: complete, in files that only grow, and never with what the contract hides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions, record_names
from aimass_compiler.keyed_hash import keyed_hash
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.record_folder import RecordFolder
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import serving

_HIDDEN = {"age": record_names.HASHED, "plan": record_names.OMITTED}


def personal(folder: Path) -> Path:
    """The package of churn with a hashed number, a text that is left out, and an id."""
    package = packages.churn(folder)
    path = package / conventions.SIGNATURE_FILE
    signature = json.loads(path.read_text())
    for column in signature["inputs"]:
        if column["name"] in _HIDDEN:
            column["pii"] = _HIDDEN[column["name"]]
    signature["ignored"].append("customer_id")
    signature["keys"] = ["customer_id"]
    path.write_text(json.dumps(signature))
    return packages.listed(package)


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()
    ]


@pytest.mark.parametrize("key", ["", "a secret"])
def test_personal_values_leave_hashed_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(record_names.VARIABLE_RECORD_KEY, key)
    package, folder = personal(tmp_path / "churn"), tmp_path / "records"
    with serving(package, "--prediction-sample", "1", "--record-folder", str(folder)) as running:
        rows = [CHURN_EXAMPLE | {"customer_id": 7}, CHURN_EXAMPLE]
        answer = running.ask("POST", "/predict", {"rows": rows}, {"x-request-id": "mine-1"})
        assert answer.status == 200
        assert running.stop() == 0
        assert not [event for event in running.events() if event["event"] == "prediction"], "not in the log"
    first, second = records_of(folder)
    assert (first["schema"], first["request_id"], first["row"], second["row"]) == (
        record_names.RECORD_FORMAT, "mine-1", 0, 1,
    )  # fmt: skip
    assert first["outputs"] == json.loads(answer.body)["predictions"][0]
    shown = {name: value for name, value in CHURN_EXAMPLE.items() if name not in _HIDDEN}
    assert {name: first["inputs"].get(name) for name in shown} == shown
    assert "plan" not in first["inputs"]
    if not key:
        assert first["inputs"].keys() == shown.keys(), "without a key nothing can be hashed"
        return
    assert first["inputs"]["age"] == keyed_hash(key.encode(), "age", CHURN_EXAMPLE["age"])
    assert first["inputs"]["customer_id"] == keyed_hash(key.encode(), "customer_id", "7")
    assert second["inputs"]["customer_id"] is None


def test_what_is_declared_after_packaging_is_hidden_as_well(tmp_path: Path) -> None:
    folder, hidden = tmp_path / "records", json.dumps({"plan": "omit", "age": "hash"})
    options = ("--prediction-sample", "1", "--record-folder", str(folder), "--hidden-columns", hidden)
    with serving(packages.churn(tmp_path / "churn"), *options) as running:
        running.predict(CHURN_EXAMPLE)
        assert running.stop() == 0
    (record,) = records_of(folder)
    assert record["inputs"].keys() == CHURN_EXAMPLE.keys() - {"plan", "age"}, (
        "and without a key nothing is hashed"
    )


def test_the_folder_keeps_the_newest_records_within_its_size(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream, EventLog(stream) as log:
        folder = RecordFolder(tmp_path / "records", 4000, log)
        for number in range(200):
            folder.write([{"number": number, "filling": "x" * 80}])
        folder.close()
    files = list((tmp_path / "records").glob("*.jsonl"))
    assert sum(file.stat().st_size for file in files) <= 4000
    numbers = [record["number"] for record in records_of(tmp_path / "records")]
    assert numbers == list(range(numbers[0], 200)), "the oldest make room, and none is torn"
    assert numbers[0] > 100


def test_a_folder_that_takes_nothing_costs_records_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (tmp_path / "log").open("wb") as stream, EventLog(stream) as log:
        folder = RecordFolder(tmp_path / "file" / "records", 4000, log)
        for _ in range(3):
            folder.write([{"number": 1}])
        assert folder.dropped == 3
    (told,) = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert told["event"] == "records dropped"
