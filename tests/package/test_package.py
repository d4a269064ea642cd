"""The package stage: one graph that answers as evaluated, and everything that says what it is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy
import onnx
import onnxruntime
import polars
import pytest
from evaluate.handmade import CHURN, PLAN, PRICE, TRAINED_AT, Project

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.pipeline.serving import Explanations
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.packaging.card import escape
from aimass_compiler.runtime.stages import evaluate, package

if TYPE_CHECKING:
    from pathlib import Path


def packaged(project: Project) -> Path:
    """Run evaluate and package, and answer the package's folder."""
    metric = "log_loss" if project.task.is_classification else "r2"
    evaluation = project.evaluation(
        slices=() if project.images else ("plan",), gates=(Gate(metric=metric, min=-1e9),)
    )
    objective = Objective(metric=metric)
    evaluate.run(project.task, project.columns, evaluation, objective, workspace=project.workspace)
    package.run("churn", project.task, project.columns, workspace=project.workspace)
    return project.workspace.folder("package") / "model"


@pytest.mark.parametrize("opset", [13, 17, 20, 21])
@pytest.mark.parametrize("task", [CHURN, PLAN, PRICE], ids=["binary", "multiclass", "regression"])
def test_one_graph_answers_raw_rows_as_was_evaluated(tmp_path: Path, task: Any, opset: int) -> None:
    project = Project(tmp_path, task, opset=opset).make()
    folder = packaged(project)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    rows = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    answers = session.run(None, pack(rows, json.loads((folder / "signature.json").read_text())["inputs"]))
    evaluated = polars.read_parquet(project.workspace.folder("evaluate") / "predictions.parquet")
    scores = numpy.array(evaluated["scores"].to_list(), numpy.float32)
    assert [answer.shape for answer in answers] == (
        [(200, len(task.classes)), (200,)] if task.classes else [(200,)]
    )
    assert numpy.allclose(answers[0].reshape(scores.shape), scores, atol=1e-6)
    if task.classes:
        assert answers[1].tolist() == [task.classes[place] for place in scores.argmax(axis=1)]


def test_a_model_of_pictures_reads_them_by_name(tmp_path: Path) -> None:
    folder = packaged(Project(tmp_path, CHURN, images=True).make())
    signature = json.loads((folder / "signature.json").read_text())
    assert signature["inputs"] == [
        {"name": "picture", "type": "image", "tensor": "picture", "shape": [1, 2, 3], "nullable": False}
    ]
    assert numpy.array(signature["example"]["picture"]).shape == (1, 2, 3)


def test_the_signature_says_what_is_accepted_and_answered(tmp_path: Path) -> None:
    folder = packaged(Project(tmp_path, CHURN).make())
    signature = json.loads((folder / "signature.json").read_text())
    example = signature.pop("example")
    assert signature == {
        "format": "aimass.package/v1",
        "model": "churn",
        "version": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()[:12],
        "task": "classification",
        "trained_at": TRAINED_AT,
        "inputs": [
            {"name": "tenure", "type": "number", "tensor": "numbers", "index": 0}
            | {"min": -10.0, "max": None, "nullable": True, "unit": "months"},
            {"name": "plan", "type": "category", "tensor": "strings", "index": 0}
            | {"values": ["basic", "plus", "pro", "gold"], "nullable": False},
            {"name": "note", "type": "text", "tensor": "strings", "index": 1, "nullable": True},
        ],
        "ignored": ["customer_id", "churned", "region"],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2], "labels": ["no", "yes"]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ],
    }
    assert example["note"] == "naïve <b>note</b>", "the example is a row in which nothing is missing"
    assert isinstance(example["tenure"], float)


def test_the_same_stages_make_the_same_package(tmp_path: Path) -> None:
    folders = [packaged(Project(tmp_path / name, CHURN).make()) for name in ("one", "two")]
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name


def test_what_the_packaged_model_reached_lies_beside_it(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    signature = json.loads((packaged(project) / "signature.json").read_text())
    reached = project.read("package", "metrics.json")
    evaluated = project.read("evaluate", "metrics.json") | project.read("evaluate", "verdict.json")
    assert reached == {"version": signature["version"], "trained_at": TRAINED_AT} | evaluated


@pytest.mark.parametrize("task", [CHURN, PRICE], ids=lambda task: task.kind)
def test_the_reference_tells_how_predictions_are_distributed(tmp_path: Path, task: Any) -> None:
    reference = json.loads((packaged(Project(tmp_path, task).make()) / "reference.json").read_text())
    found = reference["prediction"]
    assert reference["format"] == "aimass.reference/v1"
    assert sum(found["fractions"]) == pytest.approx(1)
    if task is CHURN:
        assert found["values"] == ["no", "yes"]
    else:
        assert len(found["edges"]) == 9
        assert found["fractions"] == pytest.approx([0.1] * 10, abs=0.02)


def test_a_package_that_answers_otherwise_than_was_evaluated_is_not_made(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    evaluate.run(
        CHURN,
        project.columns,
        project.evaluation(),
        Objective(metric="accuracy"),
        workspace=project.workspace,
    )
    path = project.workspace.folder("train") / "model.onnx"
    model = onnx.load(path)
    model.graph.initializer[0].float_data[0] *= 1.01
    path.write_bytes(model.SerializeToString())
    with pytest.raises(StageFailure, match="otherwise than was evaluated, first row ") as failure:
        package.run("churn", CHURN, project.columns, workspace=project.workspace)
    assert failure.value.code is ExitCode.FAILED
    assert not list(project.workspace.folder("package").glob("model/*"))


@pytest.mark.parametrize("task", [CHURN, PRICE], ids=lambda task: task.kind)
def test_the_card_holds_every_section_and_every_number(tmp_path: Path, task: Any) -> None:
    card = (packaged(Project(tmp_path, task).make()) / "model_card.md").read_text()
    sections = [line[3:] for line in card.splitlines() if line.startswith("## ")]
    assert sections == [
        *("What it predicts", "Model", "Data", "Metrics", "Importance of columns", "Slices", "Gates", "Fit"),
        *("Inputs", "Limits of use", "How to call it"),
    ]
    assert "| Metric | train | validation | test |\n|---|---|---|---|\n|" in card
    assert "| plan | gold | 0 | too few rows |" in card
    assert "| plan | 0 | 0 |" in card, "the model does not look at it"
    assert "| tenure | number | from -10 months | yes | since joining |" in card


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b", "a\\_b"),
        ("- a", "\\- a"),
        ("1. a-b", "1\\. a-b"),
        ("0.93", "0.93"),
        ("---", "\\---"),
        ("a\n\n# b", "a \\# b"),
    ],
)
def test_text_on_the_card_starts_no_list_and_no_heading(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_rows_to_explain_with_are_packaged_only_where_they_are_wanted(tmp_path: Path) -> None:
    project = Project(tmp_path, CHURN).make()
    reference = json.loads((packaged(project) / "reference.json").read_text())
    assert "background" not in reference
    package.run(
        "churn", CHURN, project.columns, explanations=Explanations(background=8), workspace=project.workspace
    )
    folder = project.workspace.folder("package") / "model"
    background = json.loads((folder / "reference.json").read_text())["background"]
    assert (background["of"], len(background["rows"])) == ("yes", 8)
    rows = polars.read_parquet(project.workspace.folder("prepare") / "test.parquet")
    assert {row["tenure"] for row in background["rows"]} <= set(rows["tenure"])
