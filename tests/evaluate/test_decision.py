"""The threshold of labels: given, or chosen on the validation split, and used wherever there is a label."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import polars
import pytest

from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.catalog.task import Task
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.decision import Decision
from aimass_compiler.pipeline.evaluation import Evaluation, Gate, OnFailure, Retraining
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation.decision import chosen, roundest
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, verify_golden_rows
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.stages import evaluate, package
from evaluate.handmade import CHURN, Project

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(kind="classification", target="y", classes=("no", "yes"))
#: From the likeliest on: yes, no, yes, no, no, yes, no, no, no, no.
TRUTH = numpy.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0])
LIKELY = numpy.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1], numpy.float32)


def rows(weights: numpy.ndarray | None = None) -> Predictions:
    return Predictions(TRUTH, numpy.column_stack([1 - LIKELY, LIKELY]), weights)


def decided(threshold: Any, weights: numpy.ndarray | None = None) -> float:
    return chosen(Decision(threshold=threshold), TASK, rows(weights)).threshold


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ({"recall": 0.3}, 1),
        ({"recall": 0.5}, 3),
        ({"recall": 1}, 6),
        ({"precision": 0.66}, 3),
        ({"precision": 0.5}, 6),
        ({"top": 0.2}, 2),
        ({"cost": {"false_positive": 1, "false_negative": 10}}, 6),
        ({"cost": {"false_positive": 10, "false_negative": 1}}, 1),
        ({"metric": "f1"}, 3),
    ],
)
def test_a_rule_chooses_how_many_rows_are_given_the_class(rule: dict[str, Any], count: int) -> None:
    assert (decided(rule) <= LIKELY).sum() == count


def test_a_number_is_taken_as_it_is() -> None:
    assert decided(0.2) == 0.2


def test_no_row_of_the_validation_split_lies_on_the_threshold() -> None:
    for recall in (0.3, 0.6, 1.0):
        assert numpy.abs(LIKELY - decided({"recall": recall})).min() > 0.02


def test_rows_count_as_much_as_they_weigh() -> None:
    weights = numpy.ones(10)
    weights[0] = 8  # this one alone is more than three quarters of the positive rows
    assert (decided({"recall": 0.75}, weights) <= LIKELY).sum() == 1


def test_what_no_threshold_reaches_is_not_met() -> None:
    truth = numpy.array([0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    found = chosen(Decision(threshold={"precision": 0.9}), TASK, Predictions(truth, rows().scores))
    assert not found.is_met
    assert found.precision == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.19, 0.23, 0.2), (0.3, 0.46, 0.4), (0.123, 0.1231, 0.12305)]
)
def test_a_threshold_has_few_decimals(low: float, high: float, expected: float) -> None:
    assert roundest(low, high) == pytest.approx(expected, abs=1e-9)


def test_neighbours_in_single_precision_are_told_apart() -> None:
    high = numpy.float32(0.3)
    likely = numpy.array([high, numpy.nextafter(high, numpy.float32(0))], numpy.float32)
    found = chosen(
        Decision(threshold={"precision": 1}),
        TASK,
        Predictions(numpy.array([1, 0]), numpy.column_stack([1 - likely, likely])),
    )
    assert (found.precision, found.share) == (1, 0.5)


def test_training_sees_the_decision_only_where_it_moves_something() -> None:
    decision = Decision(threshold=0.2)
    plain = Evaluation(decision=decision, gates=(Gate(metric="recall", min=0.5),))
    assert Retraining.of(plain, "roc_auc").decision is None
    assert Retraining.of(plain, "f1").decision == decision
    again = plain.model_copy(update={"on_failure": OnFailure(retrain=1)})
    assert Retraining.of(again, "roc_auc").decision == decision


def evaluated(project: Project, threshold: Any, **gate: Any) -> None:
    asked = project.evaluation(
        decision=Decision(threshold=threshold), gates=(Gate(**({"metric": "recall", "min": 0.1} | gate)),)
    )
    evaluate.run(
        project.task, project.columns, asked, Objective(metric="roc_auc"), workspace=project.workspace
    )


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A package whose labels follow from a threshold that was chosen."""
    project = Project(
        tmp_path_factory.mktemp("decided"), CHURN, noise=dict.fromkeys(("train", "validation", "test"), 1.5)
    ).make()
    evaluated(project, {"recall": 0.9})
    package.run("churn", project.task, project.columns, workspace=project.workspace)
    return project


def test_the_gate_the_metrics_and_the_plot_are_of_these_labels(packaged: Project) -> None:
    verdict, metrics = packaged.read("evaluate", "verdict.json"), packaged.read("evaluate", "metrics.json")
    threshold = verdict["decision"]["threshold"]
    assert metrics["decision"] == {"threshold": threshold}
    evaluated = polars.read_parquet(packaged.workspace.folder("evaluate") / "predictions.parquet")
    likely = numpy.array(evaluated["scores"].to_list())[:, 1]
    is_yes = evaluated["truth"].to_numpy() == "yes"
    recall = (likely[is_yes] >= threshold).mean()
    assert verdict["decision"]["validation"]["recall"] >= 0.9
    assert verdict["gates"][0]["value"] == pytest.approx(recall)
    confusion = polars.read_csv(packaged.workspace.folder("evaluate") / "confusion.csv")
    assert (confusion["predicted"] == "yes").sum() == (likely >= threshold).sum()


def test_the_graph_answers_labels_by_the_threshold(packaged: Project) -> None:
    folder = packaged.workspace.folder("package") / "model"
    signature = json.loads((folder / "signature.json").read_text())
    threshold = signature["decision"]["threshold"]
    assert signature["decision"]["positive"] == "yes"
    rows = polars.read_parquet(packaged.workspace.folder("prepare") / "test.parquet")
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    probabilities, labels = session.run(None, pack(rows, signature["inputs"]))
    assert labels.tolist() == ["yes" if share >= threshold else "no" for share in probabilities[:, 1]]
    assert labels.tolist() != ["yes" if share >= 0.5 else "no" for share in probabilities[:, 1]]
    reference = json.loads((folder / "reference.json").read_text())["prediction"]
    assert reference["fractions"][1] == pytest.approx((labels == "yes").mean())


def test_golden_rows_rehearse_the_threshold(packaged: Project) -> None:
    folder = packaged.workspace.folder("package") / "model"
    golden = json.loads((folder / "golden.json").read_text())
    between = [
        answer
        for answer in golden["predictions"]
        if answer["label"] != max(answer["probabilities"], key=answer["probabilities"].get)
    ]
    assert between
    found = read_package(folder)
    model = ContractModel(found.signature, OnnxModel(found, 1))
    verify_golden_rows(found, model)
    for answer in golden["predictions"]:
        answer["label"] = max(answer["probabilities"], key=answer["probabilities"].get)
    with pytest.raises(ServerFailure, match="was evaluated"):
        verify_golden_rows(type(found)(found.signature, found.reference, golden, found.model), model)


def test_the_card_says_how_a_label_follows(packaged: Project) -> None:
    card = (packaged.workspace.folder("package") / "model" / conventions.MODEL_CARD_FILE).read_text()
    threshold = packaged.read("evaluate", "verdict.json")["decision"]["threshold"]
    assert f"yes from a probability of {threshold} on" in card
    assert "recall at least 0.9" in card


def test_a_precision_that_is_nowhere_stops_the_stage(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN, weight=-4.0).make()
    with pytest.raises(StageFailure, match="no threshold has precision at least 1 on") as raised:
        evaluated(project, {"precision": 1})
    assert raised.value.code == ExitCode.GATE
