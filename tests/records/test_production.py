"""A model is measured in production by the truth of its records, and estimated where none is known."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest

from aimass_compiler.catalog.task import Task
from aimass_compiler.cli.views.candidate import as_markdown
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn
from aimass_compiler.pipeline.evaluation import Evaluation
from aimass_compiler.pipeline.monitoring import Labels
from aimass_compiler.records.query import RecordsWanted, ask
from aimass_compiler.retraining.judgement import document
from aimass_compiler.runtime.evaluation.measures import metrics_named
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.production import exposition
from aimass_compiler.runtime.production.judged_rows import truth_of, usable
from aimass_compiler.runtime.production.report import EvaluationCriteria, report
from records.stored import NOW, bring, record, url_of

_TASK = Task(kind="classification", target="churned", classes=("no", "yes"), positive="yes")
_COLUMNS = {
    "age": NumberColumn(type="number"),
    "plan": CategoryColumn(type="category", values=("basic", "pro")),
    "churned": CategoryColumn(type="category", values=("no", "yes")),
}
_ROWS = 400
_LABELS = Labels.model_validate({"source": "truth.csv", "delay": "1d", "window": "30d"})


def predicted(number: int, chance: float, version: str = "0123456789ab") -> dict[str, Any]:
    """What a model answered to a request, so many hours ago."""
    plan = "pro" if number % 2 else "basic"
    return record(
        number,
        time=(NOW - timedelta(hours=number % 96)).isoformat(),
        version=version,
        inputs={"age": 40.0, "plan": plan},
        outputs={
            "label": "yes" if chance > 0.5 else "no",
            "probabilities": {"no": 1 - chance, "yes": chance},
        },
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Calibrated predictions, of which the truth of three in four is known."""
    folder, random = tmp_path_factory.mktemp("production"), numpy.random.default_rng(7)
    chances = random.random(_ROWS)
    truths = numpy.where(random.random(_ROWS) < chances, "yes", "no")
    bring(folder / "store", *(predicted(number, float(chances[number])) for number in range(_ROWS)))
    lines = [f"request-{number},{truths[number]}" for number in range(_ROWS) if number % 4]
    (folder / "truth.csv").write_text("\n".join(["request_id,churned", *lines, "unasked,yes"]))
    return found(folder)


def found(folder: Path, gates: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    evaluation = Evaluation.model_validate({"slices": ["plan"], "gates": list(gates)})
    metrics = metrics_named(("roc_auc", "accuracy"))
    table = usable(ask(url_of(folder / "store"), RecordsWanted(model="churn")), _TASK)
    truth = truth_of(_LABELS, _TASK, _COLUMNS, folder)
    return report(table, truth, _LABELS, EvaluationCriteria(_TASK, metrics, evaluation, _COLUMNS), NOW)


def test_the_truth_is_joined_by_request(measured: dict[str, Any]) -> None:
    assert (measured["records"], measured["labelled"]) == (400, 300)
    assert measured["coverage"] == pytest.approx(0.75, abs=0.02)
    assert measured["metrics"]["accuracy"] == pytest.approx(0.75, abs=0.06)
    assert measured["versions"]["0123456789ab"]["windows"][0]["labelled"] == 300
    rows = {name: each["rows"] for name, each in measured["slices"]["plan"].items()}
    assert rows == {"basic": 100, "pro": 200}


def test_a_candidate_says_what_the_released_model_reaches(measured: dict[str, Any]) -> None:
    unknown = {**measured, "metrics": {**measured["metrics"], "roc_auc": None}}
    told = as_markdown(document("churn", ["drift"], {}, {}, unknown, []))
    assert f"- accuracy {measured['metrics']['accuracy']:.4g}\n" in told
    assert "- roc_auc not known: too few rows\n" in told


def test_what_is_not_known_yet_is_estimated_with_its_error(measured: dict[str, Any]) -> None:
    """Of calibrated probabilities, accuracy is the mean of the larger one: 0.75 of uniform ones."""
    estimated = measured["estimated"]
    assert estimated["rows"] == 100
    accuracy = estimated["metrics"]["accuracy"]
    assert accuracy["value"] == pytest.approx(0.75, abs=0.04)
    assert accuracy["low"] < 0.75 < accuracy["high"]
    assert abs(accuracy["error"]) < 0.06


def test_an_estimate_of_overconfident_probabilities_tells_that_it_is_off(tmp_path: Path) -> None:
    random = numpy.random.default_rng(3)
    bring(tmp_path / "store", *(predicted(number, 0.99) for number in range(200)))
    lines = [f"request-{number},{random.choice(['yes', 'no'])}" for number in range(0, 200, 2)]
    (tmp_path / "truth.csv").write_text("\n".join(["request_id,churned", *lines]))
    accuracy = found(tmp_path)["estimated"]["metrics"]["accuracy"]
    assert accuracy["value"] > 0.95
    assert accuracy["error"] > 0.3


def test_gates_are_held_against_production(tmp_path: Path) -> None:
    bring(tmp_path / "store", *(predicted(number, 0.9) for number in range(200)))
    lines = [f"request-{number},{'no' if number % 4 else 'yes'}" for number in range(200)]
    (tmp_path / "truth.csv").write_text("\n".join(["request_id,churned", *lines]))
    bounds = ({"metric": "accuracy", "min": least} for least in (0.2, 0.3, 0.9))
    on_slices = {"metric": "accuracy", "min": 0.4, "slice": "plan"}
    kept, missed, surely, basic, pro = found(tmp_path, (*bounds, on_slices))["gates"]
    assert (kept["passed"], kept["surely_missed"]) == (True, False)
    assert (missed["passed"], missed["surely_missed"]) == (False, False)
    assert (surely["passed"], surely["surely_missed"]) == (False, True)
    assert (basic["slice"], basic["passed"]) == ({"plan": "basic"}, True)
    assert (pro["slice"], pro["surely_missed"]) == ({"plan": "pro"}, True)


def test_a_truth_without_the_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,churned\n1,yes\n")
    with pytest.raises(StageFailure, match="no column `request_id`"):
        truth_of(_LABELS, _TASK, _COLUMNS, tmp_path)


def test_prometheus_reads_what_was_measured(measured: dict[str, Any], tmp_path: Path) -> None:
    exposition.write(exposition.series("churn", "ml-prod", measured), tmp_path / "churn.prom")
    text = (tmp_path / "churn.prom").read_text()
    about = 'model="churn",namespace="ml-prod",version="0123456789ab"'
    assert f'aimass_quality{{kind="measured",metric="accuracy",{about}}}' in text
    assert f'aimass_quality{{kind="estimated",metric="accuracy",{about}}}' in text
    assert f"aimass_quality_rows{{{about}}} 300.0" in text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("request-1,x,yes", "has the row `x`"),
        ("request-1,0,maybe\nrequest-2,0,YES", "has `churned` as `maybe`, never a class"),
    ],
)
def test_a_truth_that_cannot_be_meant_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "truth.csv").write_text(f"request_id,row,churned\n{rows}\n")
    with pytest.raises(StageFailure, match=said):
        truth_of(_LABELS, _TASK, _COLUMNS, tmp_path)
