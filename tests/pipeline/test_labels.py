"""Several labels from a spec to the answers of the server, stage by stage in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler.cli import main
from aimass_compiler.runtime.__main__ import run_stage
from aimass_compiler.runtime.server.drift import PREDICTION, DriftMonitor
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, predictions_of, verify_golden_rows
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import STAGES, artifacts

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: mails}
data:
  sources: {rows: data/mails.parquet}
  columns:
    a: number
    b: {type: number, missing: 0.2}
    household: {type: number, min: 0}
    spam: {type: category, values: ["no", "yes"]}
    urgent: {type: category, values: ["yes", "no"]}
    work: {type: category, values: ["no", "yes"]}
target: [spam, urgent, work]
positive: "yes"
weight: household
features: [impute: b, standardize: [a, b]]
model: logistic_regression
training: {calibration: sigmoid}
evaluation:
  decision: {threshold: 0.4, thresholds: {spam: {recall: 0.9}}}
  gates: [{metric: f1_micro, min: 0.6}, {metric: {recall_of: spam}, min: 0.6}]
"""
#: Each of these and what it has to do; those that only deploy or load are tested elsewhere.
ASKED = ("prepare", "features", "train", "evaluate", "package")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("labels")
    (root / "data").mkdir()
    (root / "specs").mkdir()
    (root / "specs/mails.yaml").write_text(SPEC, encoding="utf-8")
    rows(600).write_parquet(root / "data/mails.parquet")
    assert main(["compile", "--root", str(root)]) == 0
    workspace = Workspace(root, "mails")
    for stage in STAGES:
        if stage.name in ASKED:
            run_stage(stage, workspace)
    return workspace


def rows(count: int) -> polars.DataFrame:
    chance = numpy.random.default_rng(3)
    a, b, noise = chance.normal(size=(3, count))
    labels = {"spam": a + 0.4 * noise > 0.4, "urgent": b - 0.4 * noise > 0, "work": a + b > 0.8}
    named = {name: numpy.where(found, "yes", "no") for name, found in labels.items()}
    weights = chance.integers(1, 4, count).astype(float)
    table = polars.DataFrame({"a": a, "b": b, "household": weights, **named})
    gaps = polars.Series(chance.random(count) < 0.1)
    return table.with_columns(b=polars.when(~gaps).then("b"))


def document(made: Workspace, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.path(path).read_text(encoding="utf-8"))
    return found


def test_metrics_are_of_all_labels_and_of_each(made: Workspace) -> None:
    found = document(made, artifacts.METRICS)
    assert set(found["test"]) >= {"roc_auc_macro", "f1_micro", "hamming_loss", "subset_accuracy"}
    assert set(found["labels"]) == {"spam", "urgent", "work"}
    assert found["labels"]["work"]["roc_auc"] > 0.9
    verdict = document(made, artifacts.VERDICT)
    assert verdict["decision"]["threshold"][1:] == [0.4, 0.4]
    assert verdict["decision"]["labels"]["spam"]["validation"]["recall"] >= 0.9
    assert verdict["decision"]["labels"]["urgent"]["positive"] == "yes"
    card = made.path(artifacts.MODEL_CARD).read_text(encoding="utf-8")
    assert "- urgent from a probability of 0.4 on." in card


def test_the_server_answers_labels_by_their_thresholds(made: Workspace) -> None:
    package = read_package(made.folder(artifacts.PACKAGE))
    model = ContractModel(package.signature, OnnxModel(package, 1))
    verify_golden_rows(package, model)
    asked = [{"a": 2.0, "b": 2.0}, {"a": -2.0, "b": None}]
    tensors = RowReader(package.signature, 100).tensors(asked)
    outputs = model.predict(tensors).outputs
    both, neither = predictions_of(package.signature, outputs)
    assert both["labels"] == ["spam", "urgent", "work"]
    assert list(both["probabilities"]) == ["spam", "urgent", "work"]
    assert neither["labels"] in ([], ["urgent"])
    limits = numpy.array(package.signature.thresholds, numpy.float32)
    assert (outputs["labels"] == (outputs["probabilities"] >= limits)).all()


def test_drift_of_labels_is_the_mean_over_them(made: Workspace) -> None:
    package = read_package(made.folder(artifacts.PACKAGE))
    monitor = DriftMonitor(package.reference, package.signature, 3600)
    shares = numpy.array(package.reference["prediction"]["fractions"])
    count = 1000
    labels = numpy.arange(count)[:, None] < (shares * count).round()
    numbers = numpy.zeros((count, len(package.signature.numbers)))
    monitor.observe([{"numbers": numbers, PREDICTION: labels}])
    assert monitor.scores()[1]["prediction"] < 0.01
    monitor.observe([{"numbers": numbers, PREDICTION: numpy.ones((5 * count, 3), bool)[: 5 * count]}] * 1)
    assert monitor.scores()[1]["prediction"] > 0.25


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ("target: [spam, urgent, work]", "target: [spam, a]"),
            "`a` is a number, and a label says yes or no",
        ),
        (("target: [spam, urgent, work]", "target: [spam, spam]"), "duplicate label `spam`"),
        (("target: [spam, urgent, work]", "target: [spam, urgnt]"), "there is no column `urgnt`"),
        (('positive: "yes"', "positive: ja"), "`spam` has no value `ja`"),
        (("training: {", "training: {class_weights: balanced, "), "`class_weights` is of one target"),
        (("thresholds: {spam", "thresholds: {spma"), "there is no label `spma`"),
        (("{recall: 0.9}", "{metric: roc_auc}"), "no threshold is the best one for `roc_auc`"),
        (("recall_of: spam", "recall_of: b"), "there is no label `b`"),
        (("metric: f1_micro", "metric: f1"), "`f1` judges classes, but the targets `spam`"),
        (("model: logistic_regression", "model: linear_regression"), "`linear_regression` predicts a number"),
        (("impute: b", "target_encode: spam"), "`spam` is the target, so it cannot be a feature"),
    ],
)
def test_what_no_label_can_have_is_found(
    change: tuple[str, str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specs").mkdir()
    assert change[0] in SPEC
    (tmp_path / "specs/mails.yaml").write_text(SPEC.replace(*change), encoding="utf-8")
    assert main(["check", "--root", str(tmp_path)]) != 0
    assert told in capsys.readouterr().err
