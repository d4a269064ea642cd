"""Training again on folds and with other seeds; and that no fold sees what it holds out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy
import polars
import pytest
from pydantic import TypeAdapter

from aimass_compiler.catalog import OneOf, load
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn
from aimass_compiler.pipeline.evaluation import CrossValidation, Evaluation, Gate, Repetition
from aimass_compiler.pipeline.training import Objective, Training
from aimass_compiler.runtime.evaluation.repeats import Repeats
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import features as features_stage
from aimass_compiler.runtime.stages import repeat
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from pathlib import Path

TASK = Task(kind="classification", target="left", classes=("no", "yes"))
PLACES = tuple(f"place-{number}" for number in range(60))
COLUMNS = {
    "place": CategoryColumn(type="category", values=PLACES),
    "age": NumberColumn(type="number"),
    "left": CategoryColumn(type="category", values=("no", "yes")),
}
MODELS = {
    "logistic_regression": load("models", "logistic_regression")(),
    "random_forest": load("models", "random_forest")(n_estimators=4, max_depth=4),
    "custom": load("models", "custom")(path="models/line.py:line", parameters={"c": 0.5}),
}
LINE = """
from sklearn.linear_model import LogisticRegression
def line(c):
    assert c == 0.5
    return LogisticRegression(C=c)
"""
ROWS = {"train": 160, "validation": 40, "test": 40}


def transforms(*written: Any) -> tuple[Transform, ...]:
    adapter: TypeAdapter[tuple[Transform, ...]] = TypeAdapter(
        tuple[Annotated[Transform, OneOf("transforms")], ...]
    )
    return adapter.validate_python(written)


def prepared(root: Path, features: tuple[Transform, ...], model: str) -> Workspace:
    """Rows in which nothing says who leaves, their features, and what `train` leaves of a single model."""
    chance = numpy.random.default_rng(4)
    workspace = Workspace(root, "churn")
    for split, count in ROWS.items():
        rows = {
            "place": chance.choice(PLACES, count).tolist(),
            "age": chance.normal(40, 10, count).tolist(),
            "left": chance.choice(TASK.classes or (), count).tolist(),
        }
        polars.DataFrame(rows).write_parquet(workspace.path(artifacts.rows(split)))
    features_stage.run(COLUMNS, TASK, features, workspace=workspace)
    parameters = MODELS[model].model_dump(mode="json")
    write_json(workspace.path(artifacts.BEST), {"model": model, "parameters": parameters})
    return workspace


def repeated(
    workspace: Workspace, features: tuple[Transform, ...], model: str, **wanted: int
) -> dict[str, Any]:
    split = load("splits", "random")()
    repeat.run(
        TASK,
        COLUMNS,
        split,
        features,
        MODELS[model],
        Objective(metric="roc_auc"),
        Training(seed=5),
        Repetition(metrics=("roc_auc", "accuracy"), **wanted),
        workspace=workspace,
    )
    return read_json(workspace.path(artifacts.REPEATS))


def test_code_of_the_project_is_built_with_the_parameters_that_were_found(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/line.py").write_text(LINE, encoding="utf-8")
    features = transforms({"standardize": "age"}, {"drop": "place"})
    workspace = prepared(tmp_path, features, "custom")
    seeds = repeated(workspace, features, "custom", seeds=2)["seeds"]
    assert seeds["seeds"] == [5, 6]


def test_no_fold_learns_from_the_rows_that_it_holds_out(tmp_path: Path) -> None:
    """A coin was tossed for each row: shares of the 60 places that know a row would tell what came of it."""
    features = transforms({"target_encode": "place"}, {"drop": "age"})
    workspace = prepared(tmp_path, features, "logistic_regression")
    folds = repeated(workspace, features, "logistic_regression", folds=3)["cross_validation"]
    found = folds["metrics"]["roc_auc"]
    assert len(found["values"]) == 3
    assert min(found["values"]) <= found["mean"] <= max(found["values"])
    assert abs(found["mean"] - 0.5) < 0.15
    assert found["std"] > 0
    assert not (tmp_path / "artifacts/churn/repeat/.scratch").exists()


def test_seeds_start_with_that_of_the_model_and_spread_where_training_is_by_chance(tmp_path: Path) -> None:
    features = transforms({"standardize": "age"}, {"drop": "place"})
    workspace = prepared(tmp_path, features, "random_forest")
    seeds = repeated(workspace, features, "random_forest", seeds=3)["seeds"]
    assert seeds["seeds"] == [5, 6, 7]
    assert seeds["metrics"]["validation"]["roc_auc"]["std"] > 0
    again = repeated(workspace, features, "random_forest", seeds=2)["seeds"]
    first = seeds["metrics"]["test"]["roc_auc"]["values"][:2]
    assert again["metrics"]["test"]["roc_auc"]["values"] == first


def test_more_folds_than_rows_allow_are_refused(tmp_path: Path) -> None:
    features = transforms({"standardize": "age"}, {"drop": "place"})
    workspace = prepared(tmp_path, features, "logistic_regression")
    with pytest.raises(StageFailure, match="200 rows are too few for 200 folds") as refused:
        repeated(workspace, features, "logistic_regression", folds=200)
    assert refused.value.help == "ask for fewer `folds` in `evaluation.cross_validation`"


def test_evaluation_reads_what_was_left_and_nothing_where_nothing_was_asked(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "churn")
    assert Repeats.read(Evaluation(), workspace).numbers() == {}
    spread = {"mean": 0.8, "std": 0.1, "values": [0.7, 0.9]}
    write_json(
        workspace.path(artifacts.REPEATS), {"cross_validation": {"folds": 2, "metrics": {"roc_auc": spread}}}
    )
    asked = Evaluation(cross_validation=CrossValidation(folds=2))
    assert Repeats.read(asked, workspace).numbers() == {
        "cross_validation": {"roc_auc": {"mean": 0.8, "std": 0.1}}
    }


def test_what_is_repeated_has_the_metrics_of_gates_too() -> None:
    gates = (Gate(metric="f1", min=0.5), Gate(metric="roc_auc", min=0.6))
    evaluation = Evaluation(metrics=("accuracy",), gates=gates, seeds=3)
    wanted = Repetition.of(evaluation, "log_loss")
    assert wanted is not None
    assert wanted.metrics == ("accuracy", "log_loss", "f1", "roc_auc")
    assert Repetition.of(Evaluation(), "log_loss") is None
