"""The test stage: what was measured of a server decides whether its package may be released."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars
import pytest
from evaluate.handmade import CHURN, PRICE, ROWS, Project

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.serving import Limits, Objectives, ServingTests
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.load_test.load import ServiceMeasurements
from aimass_compiler.runtime.stages import evaluate, package
from aimass_compiler.runtime.stages import test as service

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.catalog.quantities import Duration

HEALTHY = ServiceMeasurements(
    rows=200,
    wrong_rows=0,
    largest_difference=1e-7,
    requests=250,
    failed_requests=0,
    requests_per_second=50.0,
    latency_seconds={"p50": 0.001, "p95": 0.002, "p99": 0.004},
)
OBJECTIVES = Objectives.model_validate({"availability": "99%", "latency": {"p50": "5ms", "p99": "50ms"}})


def held(project: Project, measured: ServiceMeasurements, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run evaluate, package and test, with a server of which this was measured; what it was asked."""
    asked: list[Any] = []

    def measure(*arguments: Any, unit: float, soak: Duration | None = None) -> ServiceMeasurements:
        assert soak is None
        assert (unit == 1) == project.task.is_classification
        asked.extend(arguments)
        return measured

    monkeypatch.setattr(service, "measure", measure)
    objective = Objective(metric="accuracy" if project.task is CHURN else "r2")
    evaluate.run(project.task, project.columns, project.evaluation(), objective, workspace=project.workspace)
    package.run("churn", project.task, project.columns, workspace=project.workspace)
    service.run(project.task, OBJECTIVES, ServingTests(), Limits(), workspace=project.workspace)
    return asked


@pytest.mark.parametrize("task", [CHURN, PRICE], ids=lambda task: task.kind)
def test_a_healthy_server_is_asked_for_every_row_and_passes(
    tmp_path: Path, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, task).make()
    folder, rows, expected, *_ = held(project, HEALTHY, monkeypatch)
    raw = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    assert [row["tenure"] for row in rows] == raw["tenure"].to_list()
    assert len(expected) == ROWS["test"]
    assert {len(scores) for scores in expected} == {task.outputs}
    assert folder == project.workspace.folder("package") / "model"
    report = project.read("test", "report.json")
    assert report["passed"] is True
    assert report["version"] == project.read("package", "model/signature.json")["version"]
    assert report["efficiency"]["latency_milliseconds"]["p99"] == 4
    assert report["efficiency"]["objective_milliseconds"] == {"p50": 5, "p99": 50}


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"wrong_rows": 3, "largest_difference": 0.25}, "3 of 200 rows were answered up to 0.25 off"),
        (
            {"failed_requests": 5},
            "5 of 250 good requests failed (2.00%), where `serving.objectives.availability` is 99%",
        ),
        ({"latency_seconds": {"p50": 0.001, "p95": 9.0, "p99": 0.0724}}, "p99 of the latency is 72.4ms"),
        ({"faults": ("the server fell over",)}, "the server fell over"),
    ],
)
def test_what_is_wrong_is_told_in_numbers_after_the_report_is_written(
    tmp_path: Path, seen: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, CHURN).make()
    with pytest.raises(StageFailure) as failure:
        held(project, replace(HEALTHY, **seen), monkeypatch)
    assert failure.value.code is ExitCode.SERVICE
    assert told in failure.value.message
    report = project.read("test", "report.json")
    assert report["passed"] is False
    assert len(report["faults"]) == 1, json.dumps(report)


def test_an_objective_is_missed_only_beyond_it() -> None:
    exact = replace(HEALTHY, failed_requests=0, latency_seconds={"p50": 0.005, "p95": 1.0, "p99": 0.05})
    assert list(service.faults_of(exact, OBJECTIVES, ServingTests())) == []
