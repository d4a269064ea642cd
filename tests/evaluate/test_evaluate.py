"""The evaluate stage: numbers, slices, verdicts and gates of models whose quality is known."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation.fit import Fit, adjustment
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import evaluate
from evaluate.handmade import CHURN, PLAN, PRICE, ROWS, Project

if TYPE_CHECKING:
    from pathlib import Path

GOOD = dict.fromkeys(ROWS, 0.3)
OVERFIT = {"train": 0.05, "validation": 1.5, "test": 1.5}


def judged(project: Project, **evaluation: Any) -> dict[str, Any]:
    """Run the stage and read its metrics and verdict, whether or not a gate was missed."""
    metric = "roc_auc" if project.task.is_binary else "log_loss" if project.task.is_classification else "r2"
    objective = Objective(metric=evaluation.pop("objective", metric))
    try:
        evaluate.run(
            project.task,
            project.columns,
            project.evaluation(**evaluation),
            objective,
            workspace=project.workspace,
        )
    finally:
        folder = project.workspace.folder("evaluate")
        report = {**_strict_json(folder / "metrics.json"), **_strict_json(folder / "verdict.json")}
    return report


def _strict_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON")
    )
    return found


def test_a_good_classifier_is_measured_on_every_split_and_fits(tmp_path: Path) -> None:
    report = judged(Project(tmp_path, CHURN, noise=GOOD).make())
    for split in ROWS:
        assert set(report[split]) == {"roc_auc", "log_loss", "accuracy", "f1"}
        assert report[split]["roc_auc"] > 0.9
    assert report["fit"]["verdict"] == "fits"
    assert report["fit"]["baseline"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        (PLAN, {"log_loss", "accuracy", "f1"}),
        (PRICE, {"r2", "root_mean_squared_error", "mean_absolute_error"}),
    ],
)
def test_each_task_has_metrics_of_its_own(tmp_path: Path, task: Any, names: set[str]) -> None:
    weight = 1.0 if task is PRICE else 4.0
    report = judged(Project(tmp_path, task, weight=weight, noise=GOOD).make())
    assert set(report["test"]) == names
    assert report["fit"]["verdict"] == "fits"


def test_the_objective_and_the_gates_are_always_measured(tmp_path: Path) -> None:
    gates = (Gate(metric="log_loss", max=10.0),)
    report = judged(Project(tmp_path, CHURN).make(), metrics=("accuracy",), gates=gates)
    assert list(report["test"]) == ["accuracy", "roc_auc", "log_loss"]


@pytest.mark.parametrize(
    ("noise", "weight", "verdict"),
    [(GOOD, 1.0, "fits"), (OVERFIT, 1.0, "overfits"), (GOOD, 0.0, "underfits")],
    ids=["fits", "overfits", "underfits"],
)
@pytest.mark.parametrize("task", [CHURN, PRICE], ids=lambda task: task.kind)
def test_the_verdict_follows_the_fall_from_train_to_validation(
    tmp_path: Path, noise: dict[str, float], weight: float, verdict: str, task: Any
) -> None:
    fit = judged(Project(tmp_path, task, weight=weight, noise=noise).make())["fit"]
    assert fit["verdict"] == verdict, fit


def test_a_model_that_misses_a_limit_even_in_training_underfits(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN, noise=dict.fromkeys(ROWS, 1.0)).make()
    with pytest.raises(StageFailure) as failure:
        judged(project, gates=(Gate(metric="roc_auc", min=0.99),))
    assert "underfits: even on the train split roc_auc is" in failure.value.help
    assert failure.value.help.endswith("give the model more capacity")


def test_an_overfit_gate_says_what_overfitting_is(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN, noise={"train": 0.3, "validation": 0.7, "test": 0.7}).make()
    assert judged(project, gates=(Gate(metric="roc_auc", overfit=0.5),))["fit"]["verdict"] == "fits"
    with pytest.raises(StageFailure, match=r"but at most 0\.01 is allowed") as failure:
        judged(project, gates=(Gate(metric="roc_auc", overfit=0.01),))
    assert "overfits" in failure.value.help
    assert failure.value.help.endswith("give the model more regularization")


def test_an_overfit_gate_knows_that_a_smaller_loss_is_better(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN, weight=1.0, noise=OVERFIT).make()
    with pytest.raises(StageFailure):
        judged(project, gates=(Gate(metric="log_loss", overfit=0.05),))
    value = project.read("evaluate", "verdict.json")["gates"][0]["value"]
    assert value > 0.05


def test_missed_gates_are_told_together_and_after_everything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, CHURN).make()
    gates = (
        Gate(metric="roc_auc", min=0.9999),
        Gate(metric="log_loss", max=0.0001, split="validation"),
        Gate(metric="accuracy", min=0.1),
    )
    with pytest.raises(StageFailure) as failure:
        judged(project, gates=gates)
    assert failure.value.code is ExitCode.GATE
    assert failure.value.message.count("but the gate asks for") == 2
    assert "log_loss on the validation split is" in failure.value.message
    written = {path.name for path in project.workspace.folder("evaluate").iterdir()}
    curves = ("curve", "confusion", "precision_recall", "gain", "calibration", "importance")
    plots = {f"{name}.csv" for name in curves}
    assert written == {"metrics.json", "verdict.json", "predictions.parquet"} | plots
    assert [gate["passed"] for gate in project.read("evaluate", "verdict.json")["gates"]] == [
        False,
        False,
        True,
    ]
    told = capsys.readouterr().out
    assert "✗ roc_auc min 0.9999" in told
    assert "✓ accuracy min 0.1" in told


def test_slices_are_judged_by_value_and_small_ones_are_named_as_such(tmp_path: Path) -> None:
    slices = judged(Project(tmp_path, CHURN).make(), slices=("plan", "note"))["slices"]
    assert list(slices["plan"]) == ["basic", "plus", "pro", "gold"]
    assert slices["plan"]["basic"]["roc_auc"] > 0.8
    assert slices["plan"]["gold"] == {"rows": 0, "note": "too small to judge"}
    assert sum(found["rows"] for found in slices["plan"].values()) == ROWS["test"]
    assert slices["note"]["(missing)"]["rows"] == 133


def test_predictions_lie_beside_the_truth_in_the_order_of_the_rows(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    judged(project)
    table = polars.read_parquet(project.workspace.folder("evaluate") / "predictions.parquet")
    assert table.schema == {
        "row": polars.Int64,
        "truth": polars.String,
        "scores": polars.List(polars.Float32),
    }
    rows = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    assert table["truth"].to_list() == rows["churned"].to_list()
    assert numpy.allclose(table["scores"].explode().to_numpy().reshape(-1, 2).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("task", "header", "classes"),
    [
        (CHURN, ["false_positive_rate", "true_positive_rate", "class"], {"yes"}),
        (PLAN, ["false_positive_rate", "true_positive_rate", "class"], {"basic", "plus", "pro"}),
        (PRICE, ["predicted", "residual"], None),
    ],
)
def test_curves_are_short_and_the_same_every_time(
    tmp_path: Path, task: Any, header: list[str], classes: set[str] | None
) -> None:
    project = Project(tmp_path, task).make()
    judged(project)
    path = project.workspace.folder("evaluate") / "curve.csv"
    first = path.read_bytes()
    judged(project)
    assert path.read_bytes() == first
    found, *points = csv.reader(first.decode().splitlines())
    assert found == header
    assert 2 < len(points) <= 500
    assert classes is None or {point[2] for point in points} == classes


def test_the_confusion_matrix_has_one_line_a_row_and_none_for_a_regression(tmp_path: Path) -> None:
    for task, lines in ((CHURN, ROWS["test"]), (PRICE, 0)):
        project = Project(tmp_path / task.kind, task).make()
        judged(project)
        text = (project.workspace.folder("evaluate") / "confusion.csv").read_text()
        assert text.splitlines()[0] == "actual,predicted"
        assert len(text.splitlines()) == 1 + lines


def test_a_prediction_that_is_no_number_stops_the_stage(tmp_path: Path) -> None:
    project = Project(tmp_path, PRICE, weight=float("inf")).make()
    with pytest.raises(StageFailure, match="not a finite number") as failure:
        evaluate.run(
            PRICE, project.columns, project.evaluation(), Objective(metric="r2"), workspace=project.workspace
        )
    assert failure.value.code is ExitCode.TRAINING


@pytest.mark.parametrize(
    ("verdict", "adjust", "wanted"),
    [
        ("overfits", ("regularization", "capacity"), "regularization"),
        ("underfits", ("regularization", "capacity"), "capacity"),
        ("underfits", ("regularization",), None),
        ("fits", ("regularization", "capacity"), None),
        ("unknown", ("regularization", "capacity"), None),
    ],
)
def test_what_is_adjusted_follows_from_the_verdict(verdict: Any, adjust: Any, wanted: str | None) -> None:
    fit = Fit(verdict, "", "roc_auc", None, None, None, None, None)
    assert adjustment(fit, adjust) == wanted


def test_curves_of_classes_start_and_end_where_they_must(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    judged(project)
    folder = project.workspace.folder("evaluate")
    gain = polars.read_csv(folder / "gain.csv")
    assert gain["rows"][0] == gain["found"][0] == 0
    assert gain["rows"][-1] == gain["found"][-1] == 1
    assert (gain["found"] >= gain["rows"] - 1e-9).all(), "a model that ranks is above the diagonal"
    both = polars.read_csv(folder / "precision_recall.csv")
    assert (both["recall"][0], both["recall"][-1]) == (0, 1)
    calibration = polars.read_csv(folder / "calibration.csv")
    assert calibration.height == 10
    assert calibration["probability"].is_sorted()


def test_the_verdict_counts_the_rows_of_each_class_by_what_they_are_given(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    judged(project)
    counts = numpy.array(project.read("evaluate", "verdict.json")["confusion"])
    assert counts.sum() == 200
    accuracy = project.read("evaluate", "metrics.json")["test"]["accuracy"]
    assert counts.trace() / 200 == pytest.approx(accuracy)
