"""Every model with every task that it claims, on small real tables: as good as docs/models.md says.

`REWRITE=1` writes what is measured into that page.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy
import pytest
from sklearn import datasets
from sklearn.model_selection import train_test_split

from aimass_compiler.catalog import load
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.catalog.task import Task
from tests.models.examples import CASES, WRITTEN, Watched, budget, kind_of, served

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.model import Model

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
#: What one machine measures otherwise than another.
TOLERANCE = {"roc_auc": 0.01, "accuracy": 0.06, "r2": 0.06}


class Table(NamedTuple):
    """A table of scikit-learn's, and what its models are measured by."""

    load: Callable[..., Any]
    task: Task
    metric: str


TABLES = {
    "binary": Table(
        datasets.load_breast_cancer,
        Task(kind="classification", target="y", classes=("malignant", "benign")),
        "roc_auc",
    ),
    "multiclass": Table(
        datasets.load_wine, Task(kind="classification", target="y", classes=("0", "1", "2")), "accuracy"
    ),
    "regression": Table(datasets.load_diabetes, Task(kind="regression", target="y"), "r2"),
}
OF_TABLES = [
    (name, task) for name, task in CASES if kind_of(name).examples.column is None and name not in WRITTEN
]
FRAMEWORKS = [
    pytest.param(name, framework, marks=() if framework == "torch" else pytest.mark.nightly)
    for name, _ in dict.fromkeys((name, "") for name, _ in OF_TABLES)
    for framework in ("torch", "tensorflow", "mxnet")
    if "framework" in kind_of(name).model_fields
]


@cache
def parts_of(task: str) -> tuple[Examples, ...]:
    """Training, validation and test rows, each feature standardized by the training rows."""
    x, y = TABLES[task].load(return_X_y=True)
    rest, test = train_test_split(numpy.arange(len(y)), test_size=0.25, random_state=0)
    train, validation = train_test_split(rest, test_size=0.25, random_state=0)
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    y = y.astype(numpy.float64 if task == "regression" else numpy.int64)
    return tuple(Examples(x[part].astype(numpy.float32), y[part]) for part in (train, validation, test))


def measured(model: Model, task: str) -> float:
    """Its metric on the test rows; what was trained and its graph answer alike."""
    train, validation, test = parts_of(task)
    spent = budget(epochs=60, patience=20, batch_size=32, optimizer=Adam(learning_rate=0.005))
    trained = cast("Any", model.train(TABLES[task].task, train, validation, spent, Watched()))
    expected, scores = trained.predict(test.x), served(trained.to_onnx(), test.x)
    numpy.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
    metric = cast("type[Metric]", load("metrics", TABLES[task].metric))()
    return metric.measure(TABLES[task].task, test.y, scores)


def told() -> dict[tuple[str, str], float]:
    """What the page says, by model and task."""
    rows = re.findall(r"(?m)^\| `(\w+)` \| ([-\d.—]+) \| ([-\d.—]+) \| ([-\d.—]+) \|$", PAGE.read_text())
    return {
        (name, task): float(value)
        for name, *values in rows
        for task, value in zip(TABLES, values, strict=True)
        if value != "—"
    }


def rewrite(name: str, task: str, value: float) -> None:
    """Put what was measured into the page, in the row of the model."""
    text = PAGE.read_text()
    row = re.search(rf"(?m)^\| `{name}` \| ([-\d.—]+) \| ([-\d.—]+) \| ([-\d.—]+) \|$", text)
    cells = list(row.groups()) if row else ["—"] * len(TABLES)
    cells[[*TABLES].index(task)] = f"{value:.3f}"
    line = f"| `{name}` | {' | '.join(cells)} |"
    end = text.index("\n\n", text.index("\n| model | classes of two"))
    PAGE.write_text(text.replace(row[0], line) if row else f"{text[:end]}\n{line}{text[end:]}")


@pytest.mark.parametrize(("name", "task"), OF_TABLES)
def test_a_model_is_as_good_as_is_told_and_its_graph_answers_alike(name: str, task: str) -> None:
    value = measured(kind_of(name)(), task)
    if os.environ.get("REWRITE"):
        rewrite(name, task, value)
    assert value == pytest.approx(told()[name, task], abs=TOLERANCE[TABLES[task].metric])


def test_the_page_tells_of_no_other_model() -> None:
    assert set(told()) == set(OF_TABLES)


@pytest.mark.parametrize(("name", "framework"), FRAMEWORKS)
def test_every_framework_of_a_network_learns_the_same_table(name: str, framework: str) -> None:
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    model = kind_of(name).model_validate({"framework": framework})
    assert measured(model, "binary") == pytest.approx(told()[name, "binary"], abs=0.02)
