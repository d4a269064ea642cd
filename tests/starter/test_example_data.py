"""The example data sets become specs that compile and whose contract the data keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aimass_compiler.starter import propose
from tests.starter.projects import compiled, prepared

pytestmark = pytest.mark.slow  # scikit-learn has the data
PREPARE = Path(__file__).parents[2] / "data" / "prepare.py"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the example data."""
    folder = tmp_path_factory.mktemp("project")
    names = ("breast_cancer", "churn", "diabetes", "digits", "reviews")
    subprocess.run([sys.executable, PREPARE, *names, "--folder", folder / "data"], check=True)
    return folder


@pytest.mark.parametrize(
    ("file", "target", "split", "model"),
    [
        ("data/breast_cancer.csv", "diagnosis", "random", "xgboost"),
        ("data/diabetes.csv", "progression", "random", "xgboost"),
        ("data/digits.parquet", "digit", "random", "cnn"),
        ("data/churn_customers.csv", "churned", "hash", "xgboost"),
        ("data/reviews.csv", "again", "random", "rnn"),
    ],
)
def test_an_example_compiles_and_keeps_its_contract(
    root: Path, file: str, target: str, split: str, model: str
) -> None:
    text, findings, _ = propose(root / file, file, "demo")
    assert findings == []
    pipeline = compiled(text)
    assert (pipeline.task.target, pipeline.data.split.kind, pipeline.model.kind) == (target, split, model)
    prepared(pipeline, root)


def test_the_positive_class_is_the_one_that_is_sought(root: Path) -> None:
    classes = {}
    for file in ("data/breast_cancer.csv", "data/churn_customers.csv"):
        task = compiled(propose(root / file, file, "demo")[0]).task
        classes[task.target] = task.positive
    assert classes == {"diagnosis": "malignant", "churned": "yes"}


def test_customers_show_every_kind_of_column(root: Path) -> None:
    text, *_ = propose(root / "data/churn_customers.csv", "data/churn_customers.csv", "demo")
    columns = compiled(text).data.columns
    assert {name: column.type for name, column in columns.items()} == {
        "customer_id": "id",
        "signup": "time",
        "tenure": "number",
        "age": "number",
        "plan": "category",
        "region": "category",
        "charges": "number",
        "note": "text",
        "churned": "category",
    }
    assert columns["plan"].values == ("basic", "plus", "pro")  # type: ignore[union-attr]  # a category, as seen above
    assert columns["region"].values is None  # type: ignore[union-attr]  # open, because some names are rare
    assert "drop_duplicates" in text
    assert "by: time, column: signup" in text
