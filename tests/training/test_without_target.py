"""From rows without a target to a package: clusters and anomalies through every stage that learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import polars
import pytest

from aimass_compiler.compile import compile_specs
from aimass_compiler.diagnostics import has_errors
from aimass_compiler.project import Project
from aimass_compiler.runtime.__main__ import run_stage
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import STAGES

BASE: dict[str, Any] = {
    "apiVersion": "aimass/v1",
    "kind": "Model",
    "metadata": {"name": "groups"},
    "data": {
        "sources": {"rows": "rows.csv"},
        "columns": {"a": "number", "b": "number", "plan": {"type": "category", "values": ["x", "y"]}},
        "split": {"by": "random", "train": 0.6, "validation": 0.2, "test": 0.2},
    },
    "evaluation": {"importance": {"repeats": 1}},
}
CLUSTERING = {
    "task": "clustering",
    "model": {"k_means": {"clusters": 3, "starts": 2}},
    "evaluation": {
        "gates": [
            {"metric": "silhouette", "min": 0.5},
            {"metric": "davies_bouldin", "max": 1, "split": "validation"},
        ],
        "slices": ["plan"],
        "importance": {"repeats": 1},
    },
}
ANOMALY = {
    "task": "anomaly",
    "model": {"isolation_forest": {"n_estimators": 10}},
    "evaluation": {
        "decision": {"threshold": {"top": 0.1}},
        "gates": [{"metric": "anomaly_share", "max": 0.4}],
    },
}


def compiled(root: Path, changes: dict[str, Any]) -> list[str]:
    """Write the spec and what is generated for it; answers the codes of what is wrong."""
    (root / "specs").mkdir(exist_ok=True)
    spec = root / "specs/groups.yaml"
    spec.write_text(json.dumps(BASE | changes), encoding="utf-8")
    found = compile_specs(Project(root), [spec])
    for path, content in found.files.items():
        (root / "generated" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "generated" / path).write_bytes(content)
    assert bool(found.files) != has_errors(found.findings)
    return [finding.code for finding in found.findings]


def packaged(root: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """Run the stages up to the package on three groups of rows far apart; what they leave, by name."""
    chance = numpy.random.default_rng(0)
    centres = numpy.array([[0, 0], [40, 0], [0, 40]])[numpy.arange(90) % 3]
    values = (centres + chance.normal(size=(90, 2))).round(2)
    table = polars.DataFrame({"a": values[:, 0], "b": values[:, 1], "plan": chance.choice(["x", "y"], 90)})
    table.write_csv(root / "rows.csv")
    assert compiled(root, changes) == []
    workspace = Workspace(root, "groups")
    for stage in STAGES[:5]:
        run_stage(stage, workspace)
    package = workspace.folder("package/model")
    names = {"evaluate": ("metrics", "verdict"), "train": ("best",)}
    found = {
        name: json.loads((workspace.folder(at) / f"{name}.json").read_text())
        for at in names
        for name in names[at]
    }
    found["predictions"] = polars.read_parquet(workspace.folder("evaluate") / "predictions.parquet")
    found["card"] = (package / "model_card.md").read_text()
    return found | {
        name: json.loads((package / f"{name}.json").read_text()) for name in ("signature", "reference")
    }


def test_clusters_are_found_measured_and_packaged(tmp_path: Path) -> None:
    found = packaged(tmp_path, CLUSTERING)
    names = ["cluster_1", "cluster_2", "cluster_3"]
    assert found["signature"]["task"] == "classification"
    assert found["signature"]["outputs"][0]["labels"] == names
    assert {column["name"] for column in found["signature"]["inputs"]} == {"a", "b", "plan"}
    assert found["reference"]["prediction"]["values"] == names
    assert min(found["reference"]["prediction"]["fractions"]) > 0
    assert found["metrics"]["test"]["silhouette"] > 0.5
    assert list(found["metrics"]["test"]) == ["silhouette", "calinski_harabasz", "davies_bouldin"]
    assert found["metrics"]["slices"]["plan"]
    assert set(found["metrics"]["importance"]["columns"]) == {"a", "b", "plan"}
    assert all(gate["passed"] for gate in found["verdict"]["gates"])
    assert "confusion" not in found["verdict"]
    assert found["predictions"]["truth"].null_count() == found["predictions"].height
    assert "Which of the clusters that training found a row belongs to: cluster\\_1" in found["card"]


def test_anomalies_are_the_rows_with_the_highest_scores(tmp_path: Path) -> None:
    found = packaged(tmp_path, ANOMALY)
    decision = found["verdict"]["decision"]
    assert (decision["positive"], decision["validation"]["recall"]) == ("anomaly", None)
    scores = numpy.stack(found["predictions"]["scores"].to_numpy())
    share = (scores[:, 1] >= decision["threshold"]).mean()
    assert found["metrics"]["test"]["anomaly_share"] == pytest.approx(share)
    assert found["signature"]["decision"] == {"positive": "anomaly", "threshold": decision["threshold"]}
    assert "Whether a row is an anomaly: normal, anomaly" in found["card"]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        (CLUSTERING | {"target": "a"}, ["AM296"]),
        (CLUSTERING | {"positive": "x"}, ["AM296"]),
        (CLUSTERING | {"training": {"class_weights": "balanced"}}, ["AM296"]),
        (CLUSTERING | {"model": "xgboost"}, ["AM220"]),
        (CLUSTERING | {"evaluation": {"gates": [{"metric": "accuracy", "min": 0.5}]}}, ["AM224"]),
        (CLUSTERING | {"evaluation": {"decision": {"threshold": 0.5}}}, ["AM343"]),
        (CLUSTERING | {"features": [{"target_encode": "plan"}]}, ["AM259"]),
        (ANOMALY | {"evaluation": {"decision": {"threshold": {"recall": 0.5}}}}, ["AM296"]),
        (ANOMALY | {"model": {"isolation_forest": {"n_estimators": {"choice": [5, 9]}}}}, ["AM296"]),
        ({"task": "anomaly"}, []),
        ({"task": "clustering"}, []),
    ],
    ids=repr,
)
def test_what_needs_a_target_is_found(tmp_path: Path, changes: dict[str, Any], codes: list[str]) -> None:
    assert compiled(tmp_path, changes) == codes


def test_without_target_and_task_the_target_is_missed(tmp_path: Path) -> None:
    assert compiled(tmp_path, {}) == ["AM101"]
