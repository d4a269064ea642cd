"""The gate `beats: released` asks the released package about the rows that the new model is judged on."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from aimass_compiler.catalog import load
from aimass_compiler.catalog.task import Task
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn
from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation.comparison import compare
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.stages import evaluate, package
from evaluate.handmade import CHURN, PRICE, Project

if TYPE_CHECKING:
    from pathlib import Path

TURNED = Task(kind="classification", target="churned", classes=("yes", "no"))
PLACE = "artifacts/churn/released"


def released(project: Project, environment: str = "prod", gate_says: str = "") -> Project:
    """Package the project's model and leave it where `aimass run` brings what is released."""
    evaluate.run(
        project.task,
        project.columns,
        project.evaluation(),
        Objective(metric="log_loss"),
        workspace=project.workspace,
    ) if project.task.is_classification else evaluate.run(
        project.task,
        project.columns,
        project.evaluation(),
        Objective(metric="r2"),
        workspace=project.workspace,
    )
    package.run("churn", project.task, project.columns, workspace=project.workspace)
    package_folder = project.workspace.folder("package") / "model"
    name = hashlib.sha256((package_folder / "manifest.json").read_bytes()).hexdigest()
    shutil.copytree(package_folder, project.root / PLACE / name)
    compared = {gate_says: {"environment": environment, "version": "v17-4be17c20", "package": name}}
    listing = project.root / PLACE / "compared.json"
    earlier = json.loads(listing.read_text())["compared"] if listing.exists() else {}
    listing.write_text(json.dumps({"compared": {**earlier, **compared}}))
    return project


def the_package(project: Project) -> Path:
    """The folder of the one released package."""
    (folder,) = (path for path in (project.root / PLACE).iterdir() if path.is_dir())
    return folder


def held(project: Project, gate: Gate, columns: Any = None) -> dict[str, Any]:
    """Evaluate with one gate; what the verdict says of it."""
    metric = "log_loss" if project.task.is_classification else "r2"
    try:
        evaluate.run(
            project.task,
            columns or project.columns,
            project.evaluation(gates=(gate,)),
            Objective(metric=metric),
            workspace=project.workspace,
        )
    except StageFailure as failure:
        assert failure.code is ExitCode.GATE, failure  # noqa: PT017  # any other is the test's own mistake
    (verdict,) = project.read("evaluate", "verdict.json")["gates"]
    return dict(verdict)


def beats(metric: str = "roc_auc", **more: Any) -> Gate:
    return Gate(metric=metric, beats="released", **more)


def test_while_nothing_is_released_the_first_model_passes(tmp_path: Path) -> None:
    verdict = held(Project(tmp_path, CHURN).make(), beats())
    assert verdict["passed"]
    assert verdict["reason"] == "no released version is here; `aimass run churn` brings it to compare with"


@pytest.mark.parametrize(
    ("environment", "reason"), [(None, "nothing is released yet"), ("dev", "nothing is released in dev yet")]
)
def test_a_run_that_found_no_release_says_so(tmp_path: Path, environment: str | None, reason: str) -> None:
    (tmp_path / PLACE).mkdir(parents=True)
    (tmp_path / PLACE / "compared.json").write_text(json.dumps({"compared": {environment or "": None}}))
    verdict = held(Project(tmp_path, CHURN).make(), beats(environment=environment))
    assert (verdict["passed"], verdict["reason"]) == (True, reason)


def test_each_gate_compares_with_the_environment_that_it_names(tmp_path: Path) -> None:
    """The one in prod is as good as the new one; the one in dev is better."""
    released(Project(tmp_path, CHURN).make(), "dev", "dev")
    worse = released(Project(tmp_path, CHURN, weight=-0.5).make())
    in_prod, in_dev = held(worse, beats()), held(worse, beats(environment="dev"))
    assert (in_prod["passed"], in_dev["passed"]) == (True, False)
    assert "for v17-4be17c20, which is released in prod, on the same 200 rows" in in_prod["reason"]
    assert "for v17-4be17c20, which is released in dev, on the same 200 rows" in in_dev["reason"]
    assert in_dev["condition"] == "beats released in dev"


def test_the_same_model_is_as_good(tmp_path: Path) -> None:
    project = released(Project(tmp_path, CHURN).make())
    verdict = held(project, beats())
    assert verdict["passed"]
    assert "on the same 200 rows: the same" in verdict["reason"]
    found = project.read("evaluate", "metrics.json")["released"]["prod"]["test"]["roc_auc"]
    assert found["value"] == project.read("evaluate", "metrics.json")["test"]["roc_auc"]
    assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)


def test_a_worse_model_is_held_back(tmp_path: Path) -> None:
    released(Project(tmp_path, CHURN).make())
    worse = Project(tmp_path, CHURN, weight=-0.5).make()
    verdict = held(worse, beats())
    assert not verdict["passed"]
    assert "worse (95 % interval of the difference: -" in verdict["reason"]
    found = worse.read("evaluate", "metrics.json")["released"]["prod"]["test"]["roc_auc"]
    assert found["difference"] == pytest.approx(verdict["value"] - found["value"])
    assert found["low"] < found["difference"] < found["high"] < 0


def test_a_better_model_passes(tmp_path: Path) -> None:
    released(Project(tmp_path, CHURN, weight=-0.5).make())
    for metric in ("roc_auc", "log_loss"):
        verdict = held(Project(tmp_path, CHURN).make(), beats(metric))
        assert verdict["passed"], verdict


@pytest.mark.parametrize(("margin", "passed"), [(None, False), (0.001, False), (10.0, True)])
def test_a_margin_says_how_much_worse_will_do(tmp_path: Path, margin: float | None, passed: bool) -> None:
    released(Project(tmp_path, CHURN, weight=1.0).make())
    verdict = held(Project(tmp_path, CHURN, weight=20.0).make(), beats("log_loss", margin=margin))
    assert verdict["passed"] is passed
    assert verdict["condition"] == (
        "beats released" if margin is None else f"beats released, margin {margin:g}"
    )


def test_numbers_are_compared_too(tmp_path: Path) -> None:
    released(Project(tmp_path, PRICE, weight=1.0).make())
    verdict = held(Project(tmp_path, PRICE, weight=0.5).make(), beats("root_mean_squared_error"))
    assert not verdict["passed"]
    assert "worse (95 % interval of the difference: +" in verdict["reason"]


def test_classes_that_changed_places_are_compared_by_name(tmp_path: Path) -> None:
    released(Project(tmp_path, CHURN).make())
    turned = Project(tmp_path, TURNED, weight=4.0).make()
    rows = turned.workspace.folder("prepare") / "test.parquet"
    truth = polars.read_parquet(rows)["churned"].to_numpy() == "yes"
    verdict = held(turned, beats())
    found = turned.read("evaluate", "metrics.json")["released"]["prod"]["test"]["roc_auc"]
    tenure = polars.read_parquet(rows)["tenure"].fill_null(0).to_numpy()
    assert TURNED.positive == "no"
    assert found["value"] == pytest.approx(roc_auc_score(~truth, -tenure))
    assert found["value"] != pytest.approx(verdict["value"])


@pytest.mark.parametrize(
    ("task", "columns", "told"),
    [
        (CHURN, {"tenure": None}, "it reads `tenure`, which is no longer in `data.columns`"),
        (
            CHURN,
            {"tenure": CategoryColumn(type="category")},
            "it reads `tenure` as number, which is category now",
        ),
        (CHURN, {"plan": NumberColumn(type="number")}, "it reads `plan` as category, which is number now"),
        (PRICE, {}, "it is for classification"),
        (
            Task(kind="classification", target="churned", classes=("ja", "nein")),
            {},
            "its classes are no, yes",
        ),
    ],
    ids=["column-gone", "number-to-names", "names-to-number", "other-task", "other-classes"],
)
def test_a_released_model_that_reads_other_rows_is_not_beaten_and_says_so(
    tmp_path: Path, task: Task, columns: dict[str, Any], told: str
) -> None:
    released(Project(tmp_path, CHURN).make())
    project = Project(tmp_path, task, weight=1.0 if task is PRICE else 4.0).make()
    today = {name: column for name, column in (project.columns | columns).items() if column is not None}
    verdict = held(project, beats("r2" if task is PRICE else "log_loss"), today)
    assert not verdict["passed"]
    assert told in verdict["reason"]
    assert "remove `beats` until the new version is released" in verdict["reason"]
    assert "released" not in project.read("evaluate", "metrics.json")


def broken(project: Project) -> StageFailure:
    with pytest.raises(StageFailure) as failure:
        evaluate.run(
            CHURN, project.columns, project.evaluation(gates=(beats(),)), Objective(metric="f1"),
            workspace=project.workspace,
        )  # fmt: skip
    assert failure.value.code is ExitCode.USAGE
    return failure.value


def test_a_package_that_is_not_here_is_not_ignored(tmp_path: Path) -> None:
    project = released(Project(tmp_path, CHURN).make())
    shutil.rmtree(the_package(project))
    failure = broken(project)
    assert failure.message.startswith(f"{PLACE}/")
    assert failure.message.endswith("is not the package of v17-4be17c20, which is released in prod")
    assert failure.help == "bring it again: `aimass run churn`"


def test_another_package_is_not_taken_for_the_released_one(tmp_path: Path) -> None:
    project = released(Project(tmp_path, CHURN).make())
    manifest = the_package(project) / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert "is not the package of v17-4be17c20" in broken(project).message


@pytest.mark.parametrize(
    "text", ["", "[]", '{"compared": {}}', '{"compared": []}', '{"compared": {"": {"version": "v1"}}}']
)
def test_a_listing_that_says_nothing_is_named(tmp_path: Path, text: str) -> None:
    project = released(Project(tmp_path, CHURN).make())
    (tmp_path / PLACE / "compared.json").write_text(text)
    assert broken(project).message == f"{PLACE}/compared.json does not say what is released"


@pytest.mark.nightly
def test_the_interval_holds_the_true_difference_about_as_often_as_it_says() -> None:
    """Of 40 tables from one source, about 38 intervals hold what a very large table says."""
    metric: Any = load("metrics", "log_loss")()
    large = _two_models(200_000, 0)
    truly = log_loss(large[0].truth, large[0].scores) - log_loss(large[1].truth, large[1].scores)
    found = [compare(metric, CHURN, *_two_models(300, seed)) for seed in range(1, 41)]
    holding = sum(one is not None and one.low <= truly <= one.high for one in found)  # type: ignore[operator]  # never None here
    assert holding >= 34


def _two_models(rows: int, seed: int) -> tuple[Predictions, Predictions]:
    chance = numpy.random.default_rng(seed)
    signal = chance.normal(size=rows)
    truth = (chance.random(rows) < 1 / (1 + numpy.exp(-signal))).astype(numpy.int64)
    likely = [1 / (1 + numpy.exp(-weight * signal)) for weight in (1.0, 0.7)]
    new, old = (numpy.column_stack([1 - p, p]).astype(numpy.float32) for p in likely)
    return Predictions(truth, new), Predictions(truth, old)


def test_where_a_metric_is_not_defined_nothing_is_compared() -> None:
    metric: Any = load("metrics", "roc_auc")()
    new, old = _two_models(50, 0)
    ones = replace(new, truth=numpy.ones(50, numpy.int64)), replace(old, truth=numpy.ones(50, numpy.int64))
    assert compare(metric, CHURN, *ones) is None
