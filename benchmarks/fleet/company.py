"""A company that never was: teams, and models that differ as those of a company do."""

from __future__ import annotations

import random
from pathlib import Path

import yaml

_COLUMNS = (
    "tenure",
    "age",
    "charges",
    "minutes",
    "calls",
    "visits",
    "orders",
    "returns",
    "rating",
    "balance",
)
_KINDS = ("churn", "fraud", "demand", "leads", "claims", "price", "spam", "risk", "stock", "upsell")
SETTINGS = {
    "model": "images: {registry: registry.example.org/ml}\n",
    "fleet": (
        "images: {registry: registry.example.org/ml}\n"
        "monitoring: {rules: fleet}\n"
        "generated: {layout: compact, training_job: false}\n"
    ),
}
#: The same, with a training job for each model.
TRAINED_IN_CLUSTER = SETTINGS["fleet"].replace(", training_job: false", "")


def build(root: Path, models: int, teams: int, settings: str) -> list[str]:
    """Write the company into a folder; answers the paths of its models."""
    chance = random.Random(7)  # noqa: S311  # no secret
    (root / "aimass.yaml").write_text(settings, encoding="utf-8")
    (root / "teams").mkdir(parents=True)
    names = [f"team-{number:02}" for number in range(teams)]
    for name in names:
        (root / "teams" / f"{name}.yaml").write_text(
            f"description: Makes models, as {name}.\n", encoding="utf-8"
        )
        (root / "specs" / name).mkdir(parents=True)
    paths = []
    for number in range(models):
        team, name = names[number % teams], f"{_KINDS[number % len(_KINDS)]}-{number:04}"
        document = _spec(name, team, chance)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        (root / "specs" / team / f"{name}.yaml").write_text(text, encoding="utf-8")
        paths.append(f"{team}/{name}")
    return paths


def change(root: Path, path: str) -> None:
    """A change of one model that reaches its servers and its alerts, and trains nothing."""
    spec = root / "specs" / f"{path}.yaml"
    document = yaml.safe_load(spec.read_text(encoding="utf-8"))
    document["serving"]["replicas"]["max"] += 1
    document["monitoring"]["drift"]["page"] += 0.01
    spec.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _spec(name: str, team: str, chance: random.Random) -> dict[str, object]:
    """A model of rows, about as large as specs/churn.yaml: ten columns, as many steps, and overrides."""
    numbers = chance.sample(_COLUMNS, 8)
    columns: dict[str, object] = {
        "id": "id",
        "plan": {"type": "category", "values": ["basic", "plus", "pro"]},
    }
    columns |= {column: {"type": "number", "min": 0, "missing": 0.1} for column in numbers}
    columns["target"] = {"type": "category", "values": ["no", "yes"]}
    most = chance.choice((6, 10, 20))
    return {
        "apiVersion": "aimass/v1",
        "kind": "Model",
        "metadata": {"name": name, "owner": f"{team}@example.org", "description": f"What {name} predicts."},
        "data": {
            "sources": {"rows": f"s3://lake/{team}/{name}.parquet"},
            "columns": columns,
            "clean": [{"drop_duplicates": {"by": "id"}}],
        },
        "target": "target",
        "positive": "yes",
        "features": [
            {"impute": {"columns": numbers, "with": "median", "indicator": True}},
            {"clip": {"columns": numbers[:3], "quantiles": [0.001, 0.999]}},
            {"log": numbers[:2]},
            {"standardize": numbers},
            {"one_hot": "plan"},
        ],
        "model": {chance.choice(("xgboost", "lightgbm")): {"max_depth": {"choice": [4, 6, 8]}}},
        "objective": {"metric": "roc_auc"},
        "search": {"trials": 20, "concurrency": 2, "time": "30m"},
        "training": {"seed": 7},
        "evaluation": {
            "gates": [{"metric": "roc_auc", "min": 0.8}, {"metric": "roc_auc", "beats": "released"}],
            "slices": ["plan"],
        },
        "serving": {
            "replicas": {"min": 2, "max": most},
            "resources": {"cpu": "500m", "memory": "512Mi"},
            "objectives": {
                "availability": chance.choice(("99.9%", "99.9%", "99.5%")),
                "latency": {"p99": chance.choice(("50ms", "100ms", "250ms"))},
            },
        },
        "monitoring": {"drift": {"warn": 0.1, "page": chance.choice((0.2, 0.25, 0.3))}},
        "environments": {
            "dev": {"serving": {"replicas": {"min": 1, "max": 1}}},
            "prod": {"serving": {"replicas": {"min": 3, "max": 2 * most}}},
        },
    }
