"""The page on transforms lists each one once, and the page on models each model; its spec is sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from aimass_compiler.catalog import names
from tests.cases.front_end import told

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_transform_is_listed_once() -> None:
    rows = re.findall(r"^\| [^*|]+ \| `(\w+)` \|$", page("transforms.md"), re.MULTILINE)
    assert sorted(rows) == sorted(names("transforms"))


@pytest.mark.parametrize("model", names("models"))
def test_every_model_is_named(model: str) -> None:
    assert f"`{model}`" in page("models.md")


def test_the_features_of_the_page_are_sound() -> None:
    written = re.search(r"```yaml\n(features:.*?)```", page("transforms.md"), re.DOTALL)
    assert written
    spec = {
        "apiVersion": "aimass/v1",
        "kind": "Model",
        "metadata": {"name": "churn"},
        "data": {
            "sources": {"customers": "data/customers.csv"},
            "split": {"by": "time", "column": "signed_up"},
            "columns": {
                "tenure": {"type": "number", "missing": 0.1},
                "city": {"type": "category"},
                "signed_up": {"type": "time"},
                "churned": {"type": "category", "values": ["no", "yes"]},
            },
        },
        "target": "churned",
        "model": "logistic_regression",
        **yaml.safe_load(written[1]),
    }
    assert [finding.message for finding in told(spec)] == []
