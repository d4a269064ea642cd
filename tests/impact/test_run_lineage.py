"""A stage tells a catalog what it reads and leaves, under the names that `aimass impact` has for them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.cli import main
from aimass_compiler.runtime import lineage_events
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import STAGES
from scripts.cluster.processes import free_ports

ROOT = Path(__file__).parents[2]
TRANSPORT = "OPENLINEAGE__TRANSPORT__"
PREPARE = STAGES[0]


@pytest.fixture(autouse=True)
def _only_own_variables() -> Iterator[None]:
    """The client writes variables of its own, which end with the test."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("OPENLINEAGE")]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that events go to."""
    path = tmp_path / "lineage.jsonl"
    for name, value in (("TYPE", "file"), ("LOG_FILE_PATH", str(path)), ("APPEND", "true")):
        monkeypatch.setenv(f"{TRANSPORT}{name}", value)
    return path


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_stage_is_told_with_the_data_sets_that_impact_names(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in STAGES:
        with lineage_events.events_sent(stage, Workspace(ROOT, "churn")):
            pass
    ran = events(told)
    assert main(["impact", "--format", "openlineage", "--root", str(ROOT)]) == 0
    said = {event["job"]["name"]: event for event in map(json.loads, capsys.readouterr().out.splitlines())}
    assert [event["eventType"] for event in ran] == ["START", "COMPLETE"] * len(STAGES)
    for event in ran:
        declared = said[event["job"]["name"]]
        for side in ("inputs", "outputs"):
            assert event[side] == declared[side]
        assert event["job"] == declared["job"]
    assert len({event["run"]["runId"] for event in ran}) == len(STAGES)
    columns = ran[0]["inputs"][0]["facets"]["schema"]["fields"]
    assert {"name": "tenure", "type": "number"} in [
        {key: column[key] for key in ("name", "type")} for column in columns
    ]


def test_a_stage_that_fails_is_told_so_with_the_reason(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "ci/nightly/01945f1a-0000-7000-8000-000000000000")

    def failing() -> None:
        with lineage_events.events_sent(PREPARE, Workspace(ROOT, "churn")):
            raise ValueError("no rows are left")

    with pytest.raises(ValueError, match="no rows are left"):
        failing()
    _, failed = events(told)
    facets = failed["run"]["facets"]
    assert failed["eventType"] == "FAIL"
    assert facets["errorMessage"]["message"] == "no rows are left"
    assert (facets["parent"]["job"]["namespace"], facets["parent"]["job"]["name"]) == ("ci", "nightly")


def test_a_catalog_that_is_not_there_stops_no_stage_and_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{port}")
    done, started = [], time.monotonic()
    with lineage_events.events_sent(PREPARE, Workspace(ROOT, "churn")):
        done.append("ran")
    assert done == ["ran"]
    assert time.monotonic() - started < 30
    assert capsys.readouterr().err.count("lineage: the event was not sent: ") == 1


def test_without_being_asked_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lineage_events.events_sent(PREPARE, Workspace(tmp_path / "nothing", "churn")):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_pipeline_that_cannot_be_read_stops_no_stage(
    told: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lineage_events.events_sent(PREPARE, Workspace(tmp_path, "churn")):
        pass
    assert "the event was not sent" in capsys.readouterr().err
    assert not told.exists()
