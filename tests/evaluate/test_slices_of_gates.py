"""Gates on the rows of one value of a column, and how sure the numbers of gates are."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy
import polars
import pytest
from pydantic import ValidationError

from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation.confidence import interval
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import evaluate
from evaluate.handmade import CHURN, Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("sliced"), CHURN).make()


def gates(project: Project, *wanted: Gate) -> list[dict[str, Any]]:
    """What evaluate says of these gates."""
    asked = project.evaluation(gates=wanted)
    with suppress(StageFailure):
        evaluate.run(
            project.task, project.columns, asked, Objective(metric="roc_auc"), workspace=project.workspace
        )
    found: list[dict[str, Any]] = project.read("evaluate", "verdict.json")["gates"]
    return found


def test_a_gate_is_held_on_the_rows_of_a_value(project: Project) -> None:
    (found,) = gates(project, Gate(metric="accuracy", min=0.99, slice={"plan": "plus"}))
    evaluated = polars.read_parquet(project.workspace.folder("evaluate") / "predictions.parquet")
    rows = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    given = numpy.array(evaluated["scores"].to_list()).argmax(axis=1)
    is_right = numpy.array(CHURN.classes)[given] == evaluated["truth"].to_numpy()
    assert found["value"] == pytest.approx(is_right[(rows["plan"] == "plus").to_numpy()].mean())
    assert (found["passed"], found["slice"]) == (False, {"plan": "plus"})
    assert found["reason"].startswith("accuracy where plan is plus on the test split is 0.")


def test_without_a_value_each_one_with_enough_rows_is_judged(project: Project) -> None:
    found = gates(project, Gate.model_validate({"metric": "accuracy", "min": 0.1, "slice": "plan"}))
    assert [gate["slice"] for gate in found] == [{"plan": "basic"}, {"plan": "plus"}]


@pytest.mark.parametrize("value", ["pro", "gold", "platinum"])
def test_a_value_that_is_asked_for_and_has_too_few_rows_misses_its_gate(project: Project, value: str) -> None:
    (found,) = gates(project, Gate(metric="accuracy", min=0.1, slice={"plan": value}))
    assert not found["passed"]
    assert "rows of the test split are too few" in found["reason"]


def test_a_gate_that_could_judge_no_value_is_missed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aimass_compiler.runtime.evaluation.gates.SMALLEST_SLICE", 10_000)
    (found,) = gates(project, Gate.model_validate({"metric": "accuracy", "min": 0.1, "slice": "plan"}))
    assert not found["passed"]
    assert found["reason"] == ("accuracy by plan cannot be judged: no value has 10000 rows of the test split")


def test_a_bound_has_the_interval_of_its_metric_beside_it(project: Project) -> None:
    found, again = (gates(project, Gate(metric="accuracy", min=0.5))[0] for _ in range(2))
    assert found == again
    assert found["low"] < found["value"] < found["high"]
    # Of 200 rows, the normal approximation is not far off.
    half = 1.96 * (found["value"] * (1 - found["value"]) / 200) ** 0.5
    assert found["high"] - found["low"] == pytest.approx(2 * half, rel=0.25)
    assert "95 % interval: 0." in found["reason"]
    metrics = project.read("evaluate", "metrics.json")
    assert metrics["intervals"] == {"test": {"accuracy": {"low": found["low"], "high": found["high"]}}}


def test_too_few_rows_have_no_interval() -> None:
    assert interval(lambda rows: float(len(rows)), 1, 100) == (None, None)
    assert interval(lambda rows: float(len(rows)) * numpy.nan, 5, 100) == (None, None)


@pytest.mark.parametrize("more", [{"overfit": 0.1}, {"beats": "released"}])
def test_a_slice_has_bounds_only(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="`min` or `max`"):
        Gate(metric="accuracy", slice={"plan": "pro"}, **more)
