"""Prediction intervals: as wide as conformal prediction says, in the graph, in answers, and held to gates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from server.serving import serving

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.evaluation import PredictionIntervals
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation.prediction_intervals import ConformalIntervals, conformal
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import evaluate, package
from evaluate.handmade import PRICE, ROWS, Project

if TYPE_CHECKING:
    from pathlib import Path


def evaluated(project: Project, **wanted: Any) -> dict[str, Any]:
    """What metrics.json says of the intervals."""
    evaluation = project.evaluation(intervals=PredictionIntervals(**wanted))
    objective = Objective(metric="r2")
    evaluate.run(PRICE, project.columns, evaluation, objective, workspace=project.workspace)
    found: dict[str, Any] = project.read("evaluate", "metrics.json")["prediction_intervals"]
    return found


def intervals(coverage: float, split: dict[str, Predictions]) -> ConformalIntervals:
    found = conformal(PredictionIntervals(coverage=coverage), split)
    assert found is not None
    return found


@given(st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=80), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_radius_is_the_residual_that_the_theorem_names(residuals: list[float], coverage: float) -> None:
    truth, scores = numpy.array(residuals), numpy.zeros(len(residuals))
    rows = Predictions(truth, scores)
    found = intervals(coverage, dict.fromkeys(ROWS, rows))
    sizes = sorted(map(abs, residuals))
    assert found.radius in sizes
    assert sum(size <= found.radius for size in sizes) >= coverage * (len(sizes) + 1)
    assert sum(size < found.radius for size in sizes) < coverage * (len(sizes) + 1)


def test_new_rows_lie_within_as_often_as_was_asked_for() -> None:
    """Over many draws of 100 calibration rows, the mean coverage lies between the bounds of the theorem."""
    chance = numpy.random.default_rng(0)
    covered = []
    for _ in range(400):
        split = {name: Predictions(chance.gamma(1, size=100), numpy.zeros(100)) for name in ROWS}
        covered.append(intervals(0.8, split).covered["test"])
    assert 0.8 - 0.01 < numpy.mean(covered) < 0.8 + 1 / 101 + 0.01, "0.01 is four standard errors"


def test_the_graph_answers_what_was_evaluated_and_so_does_the_server(tmp_path: Path) -> None:
    project = Project(tmp_path, PRICE, weight=1.0).make()
    found = evaluated(project, coverage=0.9)
    assert found["covered"]["test"] == pytest.approx(0.9, abs=0.1)
    package.run("churn", PRICE, project.columns, workspace=project.workspace)
    folder = project.workspace.folder("package") / "model"
    signature = json.loads((folder / "signature.json").read_text())
    assert signature["interval"] == 0.9
    rows = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    names = ["prediction", "lower", "upper"]
    prediction, lower, upper = session.run(names, pack(rows, signature["inputs"]))
    assert lower == pytest.approx(prediction - found["radius"])
    assert upper == pytest.approx(prediction + found["radius"])
    truth = rows["price"].to_numpy()
    assert ((lower <= truth) & (truth <= upper)).mean() == pytest.approx(found["covered"]["test"], abs=1e-9)
    assert "made to hold the true value of\n0.9 of the rows" in (folder / "model_card.md").read_text()
    with serving(folder) as server:
        (answer,) = server.predict(signature["example"]).json["predictions"]
        assert list(answer) == names
        assert answer["upper"] - answer["lower"] == pytest.approx(2 * found["radius"])
        schema = server.get("/openapi.json").json["components"]["schemas"]["Prediction"]
        assert schema["required"] == names
        assert "0.9 of the rows" in schema["description"]
        outputs = server.infer(
            "churn",
            inputs=server.get("/openapi.json").json["paths"]["/v2/models/churn/infer"]["post"]["requestBody"][
                "content"
            ]["application/json"]["example"]["inputs"],
        ).json["outputs"]
        assert [output["name"] for output in outputs] == names


def test_intervals_that_are_too_wide_or_hold_too_little_miss_their_gates(tmp_path: Path) -> None:
    project = Project(tmp_path, PRICE, weight=1.0).make()
    with pytest.raises(StageFailure) as failure:
        evaluated(project, coverage=0.5, min=0.95, max_width=0.01)
    assert failure.value.code is ExitCode.GATE
    assert "coverage of prediction intervals on the test split is" in failure.value.message
    assert "width of prediction intervals on the test split is" in failure.value.message
    gates = project.read("evaluate", "verdict.json")["gates"]
    assert [(gate["condition"], gate["passed"]) for gate in gates] == [
        ("min 0.95", False),
        ("max 0.01", False),
    ]
    assert evaluated(project, coverage=0.9, min=0.5, max_width=100)


def test_too_few_validation_rows_for_a_coverage_are_refused() -> None:
    rows = Predictions(numpy.zeros(50), numpy.zeros(50))
    with pytest.raises(StageFailure, match="need at least 99") as failure:
        intervals(0.99, dict.fromkeys(ROWS, rows))
    assert failure.value.code is ExitCode.DATA
    enough = Predictions(numpy.zeros(99), numpy.zeros(99))
    assert intervals(0.99, dict.fromkeys(ROWS, enough)).radius == 0
