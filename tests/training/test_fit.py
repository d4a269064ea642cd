"""A model without ranges is trained in this process, in well under a second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy
import onnxruntime
import pytest

from aimass_compiler.catalog.feature_matrix import Block, layout_of
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.models.logistic_regression import LogisticRegression
from aimass_compiler.catalog.models.naive_bayes import NaiveBayes
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.examples import read_examples, write_examples, write_matrix
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training import suitability
from aimass_compiler.runtime.workspace import write_json
from tests.training.misbehaving import Misbehaving
from tests.training.projects import CHURN, NAMES, PRICE, ROWS, Project

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = ["best.json", "history.csv", "importance.csv", "model.onnx", "trials.json"]


@pytest.fixture
def churn(tmp_path: Path) -> Project:
    return Project.make(tmp_path, CHURN)


@pytest.fixture
def price(tmp_path: Path) -> Project:
    return Project.make(tmp_path, PRICE)


def test_it_writes_the_model_and_how_it_was_found(churn: Project) -> None:
    churn.train(Xgboost(learning_rate=0.3), early_stopping=3)
    assert churn.results() == RESULTS
    best = churn.read("best.json")
    assert (best["metric"], best["trial"], best["parameters"]["learning_rate"]) == ("log_loss", 1, 0.3)
    assert best["greater_is_better"] is False
    assert best["trained_at"].endswith("Z")
    assert churn.read("trials.json")["totals"]["done"] == 1
    validation = read_examples(churn.workspace.folder("features"), "validation")
    session = onnxruntime.InferenceSession(churn.workspace.folder("train") / "model.onnx")
    scores = session.run(["scores"], {"features": numpy.array(validation.x)})[0]
    truth = scores[numpy.arange(ROWS["validation"]), validation.y]
    assert -numpy.log(truth).mean() == pytest.approx(best["value"], rel=1e-4)


def test_it_starts_no_ray_and_leaves_no_state(churn: Project) -> None:
    before = {name for name in sys.modules if name.partition(".")[0] == "ray"}
    churn.train(NaiveBayes())
    assert {name for name in sys.modules if name.partition(".")[0] == "ray"} == before
    assert not churn.remembers


def test_history_and_importance_are_tables(churn: Project) -> None:
    churn.train(Xgboost(n_estimators=5), early_stopping=0)
    history = churn.table("history.csv")
    assert [row["step"] for row in history] == list("12345")
    assert all(float(row["train_loss"]) > 0 and float(row["validation_loss"]) > 0 for row in history)
    assert [row["feature"] for row in churn.table("importance.csv")] == NAMES


def test_what_cannot_tell_leaves_only_headers(churn: Project) -> None:
    churn.train(NaiveBayes())
    folder = churn.workspace.folder("train")
    assert (folder / "importance.csv").read_text() == "feature,importance\n"
    assert (folder / "history.csv").read_text() == "step,train_loss,validation_loss\n"


def test_it_tells_what_it_does(churn: Project, capsys: pytest.CaptureFixture[str]) -> None:
    churn.train(Xgboost(n_estimators=20), early_stopping=0)
    *steps, last = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in steps] == [f"step {number}/20" for number in range(2, 21, 2)]
    assert last.startswith("log_loss 0.")


def failure(project: Project, *arguments: object, **training: object) -> StageFailure:
    with pytest.raises(StageFailure) as raised:
        project.train(*arguments, **training)  # type: ignore[arg-type]  # whatever the test gives
    return raised.value


def test_a_model_that_fails_says_why(price: Project) -> None:
    found = failure(price, Misbehaving(fails="always"))
    assert (found.code, found.message) == (ExitCode.TRAINING, "training failed: ValueError: told to fail")
    assert price.results() == []


def test_a_graph_that_answers_otherwise_is_refused(price: Project) -> None:
    found = failure(price, Misbehaving(off=0.001))
    assert found.message == "the exported `misbehaving` differs from the trained one by 0.001"
    assert price.results() == []
    price.train(Misbehaving(answer=1000.0, off=0.001))  # as exact as float32 in thousands


class Lacking(Misbehaving):
    """Learns with a framework that nobody has."""

    library: ClassVar[Framework] = Framework(module="no_framework", extra="no_framework")


def test_a_framework_that_is_not_installed_is_told_before_anything_is_tried(price: Project) -> None:
    found = failure(price, Lacking(fails="always"))
    assert found.code == ExitCode.USAGE
    assert found.message.endswith(" learns with no_framework, which is not installed")
    assert found.help == "`pip install 'aimass-compiler[no_framework]'` brings it"


def test_missing_values_need_a_model_that_takes_them(churn: Project) -> None:
    features = churn.workspace.folder("features")
    x = numpy.array(read_examples(features, "train").x)
    x[3, 1] = numpy.nan
    write_examples(features, "train", x, numpy.array(read_examples(features, "train").y))
    found = failure(churn, LogisticRegression())
    assert (
        found.message
        == "`noise`: values are missing in the train split, which `logistic_regression` cannot take"
    )
    churn.train(Xgboost(n_estimators=3))
    x[3, 0] = numpy.inf
    write_examples(features, "train", x, numpy.array(read_examples(features, "train").y))
    found = failure(churn, Xgboost())
    assert found.message == (
        "`signal` in row 4 of the train split is beyond 3.4e38, the largest number that models read (float32)"
    )
    assert found.help.startswith("bound it with `clip: {columns: signal, min: …, max: …}`")


@pytest.mark.parametrize("model", [Xgboost(n_estimators=3), LogisticRegression(), NaiveBayes()])
def test_a_training_that_memory_cannot_hold_is_refused_with_its_size(
    churn: Project, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suitability, "available_memory", lambda: 600)
    found = failure(churn, model)
    assert (
        f"300 rows of 2 features take `{model.kind}` 1 MiB, but 1 MiB of memory are available"
        in found.message
    )
    assert "make the largest `cross`" in found.help
    monkeypatch.setattr(suitability, "available_memory", lambda: int(600 * model.bytes_a_number))
    churn.train(model)
    monkeypatch.setattr(suitability, "available_memory", lambda: None)
    churn.train(model)


def test_codes_take_the_memory_of_a_sparse_matrix_or_none(
    churn: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = churn.workspace.folder("features")
    layout = layout_of([Block("numbers", 2), Block("levels", 1000)])
    for split in ("train", "validation"):
        numbers = numpy.array(read_examples(folder, split).x)
        rows = numpy.zeros(len(numbers), layout.dtype)
        rows["numbers"], rows["codes"] = numbers, numpy.arange(len(numbers))[:, None]
        write_matrix(folder, split, len(rows), layout.dtype, [rows])
    names = [f"feature{place}" for place in range(layout.features)]
    description = {"names": names, "shape": [layout.features], "accepts": "table"}
    write_json(folder / "features.json", description | msgspec.to_builtins(layout))
    monkeypatch.setattr(suitability, "available_memory", lambda: 300 * 3 * 41 - 1)
    found = failure(churn, LogisticRegression())
    assert "300 rows of 1,002 features take `logistic_regression` 1 MiB" in found.message
    churn.train(NaiveBayes())
    monkeypatch.setattr(suitability, "available_memory", lambda: 300 * 3 * 41)
    churn.train(LogisticRegression())
    assert len(churn.table("importance.csv")) == layout.features


def test_every_class_must_be_seen(churn: Project) -> None:
    features = churn.workspace.folder("features")
    x = numpy.array(read_examples(features, "train").x)
    write_examples(features, "train", x, numpy.zeros(len(x), numpy.int64))
    assert failure(churn, NaiveBayes()).message == "the train split has no row of `yes`"
