"""Probabilities are calibrated on the validation split, in the graph as in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import pytest
from onnx import TensorProto, helper

from aimass_compiler.catalog.artifacts import _graphs
from aimass_compiler.catalog.calibration import Calibration, PiecewiseLinear, Sigmoid, log_odds
from aimass_compiler.catalog.metric import metric_named
from aimass_compiler.catalog.models.logistic_regression import LogisticRegression
from aimass_compiler.catalog.task import Task
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.training.calibration import calibrated
from tests.training.projects import CHURN, Project

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

BINARY = Task(kind="classification", target="y", classes=("no", "yes"))
FIRST = Task(kind="classification", target="y", classes=("yes", "no"), positive="yes")
MULTICLASS = Task(kind="classification", target="y", classes=("low", "middle", "high"))
METHODS = ("sigmoid", "isotonic")
every_task = pytest.mark.parametrize(
    "task", [BINARY, FIRST, MULTICLASS], ids=["binary", "first", "multiclass"]
)
every_method = pytest.mark.parametrize("method", METHODS)


def overconfident(task: Task, rows: int, seed: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Probabilities that are three times too sure of themselves, and what happened."""
    chance = numpy.random.default_rng(seed)
    logits = chance.normal(size=(rows, task.outputs))
    shares = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
    truth = (shares.cumsum(axis=1) < chance.random(rows)[:, None]).sum(axis=1).clip(0, task.outputs - 1)
    sure = numpy.exp(3 * logits) / numpy.exp(3 * logits).sum(axis=1, keepdims=True)
    return sure.astype(numpy.float32), truth


def found(method: Any, task: Task) -> tuple[Calibration, numpy.ndarray, numpy.ndarray]:
    calibration = calibrated(method, task, *overconfident(task, 2000, 1), None)
    return (calibration, *overconfident(task, 2000, 2))


@every_task
@every_method
def test_probabilities_of_other_rows_are_nearer_to_what_happens(method: str, task: Task) -> None:
    calibration, scores, truth = found(method, task)
    better = calibration.apply(scores, task)
    log_loss = metric_named("log_loss")
    assert log_loss.measure(task, truth, better) < 0.8 * log_loss.measure(task, truth, scores)
    numpy.testing.assert_allclose(better.sum(axis=1), 1, atol=1e-6)
    assert better.min() >= 0


@every_method
def test_ranks_stay(method: str) -> None:
    calibration, scores, truth = found(method, BINARY)
    roc_auc = metric_named("roc_auc")
    before, after = (
        roc_auc.measure(BINARY, truth, some) for some in (scores, calibration.apply(scores, BINARY))
    )
    assert after == pytest.approx(before, abs=2e-3)


def graph_of(task: Task) -> onnx.ModelProto:
    """A model whose scores are its features."""
    shape = ["N", task.outputs]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["features"], ["scores"])],
        "as it is",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in ONNX_OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ONNX_IR_VERSION)


@every_task
@every_method
def test_the_graph_answers_as_training_does(method: str, task: Task) -> None:
    calibration, scores, _ = found(method, task)
    ends = numpy.eye(task.outputs, dtype=numpy.float32)
    scores = numpy.concatenate([scores, ends])
    model = _graphs.calibrated(graph_of(task), calibration, task)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (answered,) = session.run(["scores"], {"features": scores})
    numpy.testing.assert_allclose(answered, calibration.apply(scores, task), atol=1e-6)
    (alone,) = session.run(["scores"], {"features": scores[:1]})
    numpy.testing.assert_allclose(alone, answered[:1], atol=1e-7)


def test_the_last_digit_of_a_probability_moves_nothing() -> None:
    calibration, scores, _ = found("isotonic", BINARY)
    near = numpy.nextafter(scores, numpy.float32(1))
    apart = numpy.abs(calibration.apply(scores, BINARY) - calibration.apply(near, BINARY))
    assert apart.max() < 2e-5


def test_steps_rise_and_no_class_is_impossible() -> None:
    calibration, _, _ = found("isotonic", BINARY)
    (steps,) = calibration.curves
    assert isinstance(steps, PiecewiseLinear)
    assert (numpy.diff(steps.logits) > 0).all()
    assert (numpy.diff(steps.probabilities) >= 0).all()
    assert min(steps.probabilities) > 0
    assert max(steps.probabilities) < 1


def test_rows_count_as_much_as_they_weigh() -> None:
    scores, truth = overconfident(BINARY, 1000, 1)
    weights = numpy.where(truth == 1, 3.0, 1.0)
    repeated = numpy.repeat(numpy.arange(1000), weights.astype(int))
    for method in METHODS:
        (one,) = calibrated(method, BINARY, scores, truth, weights).curves  # type: ignore[arg-type]  # of METHODS
        (other,) = calibrated(method, BINARY, scores[repeated], truth[repeated], None).curves  # type: ignore[arg-type]  # the same
        logits = log_odds(numpy.linspace(0.05, 0.95, 20))
        numpy.testing.assert_allclose(one(logits), other(logits), atol=1e-3)


def test_one_probability_for_all_rows_becomes_their_share() -> None:
    scores = numpy.full((100, 2), 0.5, numpy.float32)
    calibration = calibrated("isotonic", BINARY, scores, numpy.arange(100) % 10 // 9, None)
    assert calibration.apply(scores, BINARY)[:, 1] == pytest.approx(0.1)


def test_the_artifact_is_calibrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project.make(tmp_path, CHURN)
    rows = read_examples(project.workspace.folder("features"), "validation")
    answers = []
    for wanted in ({}, {"calibration": "sigmoid"}):
        project.train(LogisticRegression(l2=1000.0), **wanted)
        session = onnxruntime.InferenceSession(project.workspace.folder("train") / "model.onnx")
        answers.append(session.run(["scores"], {"features": numpy.array(rows.x)})[0])
    log_loss = metric_named("log_loss")
    before, after = (log_loss.measure(CHURN, numpy.array(rows.y), found) for found in answers)
    assert after < before - 0.05
    assert "calibrated (sigmoid) on the validation split: log_loss 0." in capsys.readouterr().out
    assert project.read("best.json")["calibration"] == "sigmoid"


def test_a_curve_that_changes_nothing_changes_nothing() -> None:
    scores, _ = overconfident(BINARY, 50, 1)
    same = Calibration((Sigmoid(1.0, 0.0),)).apply(scores, BINARY)
    numpy.testing.assert_allclose(same, scores, atol=2e-5)
