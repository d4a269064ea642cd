"""Permutation importance: of columns, the same every time, and no larger a computation than was asked for."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.pipeline.evaluation import PermutationImportance
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.evaluation import importance
from aimass_compiler.runtime.stages import evaluate
from evaluate.handmade import CHURN, PLAN, PRICE, Project

if TYPE_CHECKING:
    from pathlib import Path


def found(project: Project, metric: str, **wanted: Any) -> dict[str, Any]:
    """What metrics.json says of importance."""
    evaluation = project.evaluation(importance=PermutationImportance(**wanted))
    evaluate.run(
        project.task, project.columns, evaluation, Objective(metric=metric), workspace=project.workspace
    )
    report: dict[str, Any] = project.read("evaluate", "metrics.json")
    return report


@pytest.mark.parametrize(
    ("task", "metric"),
    [(CHURN, "roc_auc"), (CHURN, "f1"), (PLAN, "log_loss"), (PRICE, "root_mean_squared_error")],
    ids=lambda value: value if isinstance(value, str) else value.target,
)
def test_only_the_column_that_the_model_looks_at_matters(tmp_path: Path, task: Any, metric: str) -> None:
    project = Project(tmp_path, task, weight=1.0).make()
    report = found(project, metric)["importance"]
    assert (report["metric"], report["rows"], report["repeats"]) == (metric, 200, 5)
    assert next(iter(report["columns"])) == "tenure", "the most important one is the first"
    assert report["columns"]["tenure"]["mean"] > 3 * report["columns"]["tenure"]["deviation"] > 0
    for unread in ("plan", "note"):
        assert report["columns"][unread]["mean"] == 0


def test_shuffling_the_only_column_costs_r2_twice_its_share(tmp_path: Path) -> None:
    """With y = x and x shuffled, the expected squared error is twice the variance: r2 falls from 1 to -1."""
    project = Project(tmp_path, PRICE, weight=1.0, noise=dict.fromkeys(("train", "validation", "test"), 0.0))
    (spread,) = (
        found(project.make(), "r2", repeats=30)["importance"]["columns"][name] for name in ("tenure",)
    )
    assert spread["mean"] == pytest.approx(2.0, abs=0.1)


def test_it_is_of_columns_also_where_features_are_pictures(tmp_path: Path) -> None:
    report = found(Project(tmp_path, CHURN, images=True).make(), "roc_auc")["importance"]
    assert list(report["columns"]) == ["picture"]
    assert report["columns"]["picture"]["mean"] > 0.2


def test_the_same_seed_gives_the_same_numbers_and_another_one_others(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    first, again, other = (found(project, "roc_auc", rows=50, seed=seed) for seed in (3, 3, 4))
    assert first["importance"] == again["importance"] != other["importance"]


def test_the_plot_has_what_the_report_has(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    columns = found(project, "roc_auc")["importance"]["columns"]
    with (project.workspace.folder("evaluate") / "importance.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["column"] for row in rows] == list(columns)
    assert float(rows[0]["importance"]) == pytest.approx(columns["tenure"]["mean"], rel=1e-6)


def test_nothing_is_shuffled_where_it_is_not_wanted(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    assert "importance" not in found(project, "roc_auc", repeats=0)
    assert (project.workspace.folder("evaluate") / "importance.csv").read_text() == (
        "column,importance,deviation\n"
    )


@given(
    columns=st.integers(1, 6000),
    size=st.sampled_from([1, 28 * 28, 3 * 512 * 512]),
    repeats=st.integers(1, 100),
    rows=st.integers(10, 1_000_000),
)
def test_the_cost_is_bounded_whatever_a_row_holds(columns: int, size: int, repeats: int, rows: int) -> None:
    inputs = [{"name": str(number), "shape": [size]} for number in range(columns)]
    wanted = PermutationImportance(repeats=repeats, rows=rows)
    looked_at, shuffled = importance._affordable(wanted, 10**9, inputs, columns * size)
    assert 0 < looked_at <= rows
    assert 0 < len(shuffled) <= columns
    read = looked_at * repeats * columns * size * len(shuffled)
    one_column = importance._FEWEST_ROWS * repeats * columns * size
    assert read <= max(importance._MOST_VALUES, one_column)
    assert numpy.isfinite(read)
