"""What a search found is listed from the best trial on, whichever way its metric goes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cases.front_end import base, checked
from render.models import pipeline

from aimass_compiler.checks import LANGUAGE
from aimass_compiler.cli.views.run import StageProgress, results
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.stages import artifacts


def trial(number: int, value: float | None, status: str = "done") -> dict[str, Any]:
    return {"id": number, "value": value, "status": status, "parameters": {"depth": number}}


def listed(folder: Path, values: list[float | None], *, greater_is_better: bool, best: int) -> list[str]:
    """The numbers of the trials in the order in which they are shown."""
    (folder / "train").mkdir()
    trials = [
        trial(number, value, "stopped" if value is None else "done") for number, value in enumerate(values, 1)
    ]
    totals = {"trials": len(trials), "search_seconds": 3.2, "stopped": 0, "failed": 0}
    found = {"totals": totals, "trials": trials}
    chosen = {"trial": best, "metric": "roc_auc", "greater_is_better": greater_is_better}
    (folder / "train/trials.json").write_text(json.dumps(found))
    (folder / "train/best.json").write_text(json.dumps(chosen))
    lines = results(folder, pipeline(), {"train"}, 0).splitlines()
    return [line.split()[0] for line in lines[3:]]


@pytest.mark.parametrize(("greater_is_better", "order"), [(True, "2 3 1"), (False, "1 3 2")])
def test_trials_are_ranked_as_their_metric_goes(tmp_path: Path, greater_is_better: bool, order: str) -> None:
    best = int(order[0])
    shown = listed(tmp_path, [0.1, 0.9, 0.5, None], greater_is_better=greater_is_better, best=best)
    assert shown == order.split()


def test_trials_that_are_as_good_keep_their_order(tmp_path: Path) -> None:
    assert listed(tmp_path, [0.9, 0.9, 0.1], greater_is_better=False, best=3) == ["3", "1", "2"]


def test_a_search_that_came_to_one_result_is_ranked_too(tmp_path: Path) -> None:
    assert listed(tmp_path, [None, 0.4], greater_is_better=True, best=2) == ["2"]


def language_model() -> Pipeline:
    found, _ = checked(base(sound=LANGUAGE))
    assert found is not None
    return found


def test_stages_are_told_as_what_they_do_with_this_model() -> None:
    told = []
    for each in (pipeline(), language_model()):
        stages = StageProgress(out := io.StringIO(), each.artifact)
        stages.show("Running stage 'package':")
        told.append(out.getvalue())
    assert "one model.onnx" in told[0]
    assert "model.onnx" not in told[1]
    assert "certify" in told[1]


def test_a_served_language_model_is_told_by_its_prompts_and_tokens(tmp_path: Path) -> None:
    times = {"p50": 2.0, "p95": 8.0, "p99": 9.0}
    report = {
        "correctness": {"rows": 8, "wrong_rows": 0, "largest_difference": 6e-7},
        "efficiency": {
            "requests": 282,
            "requests_per_second": 56.4,
            **{f"{part}_milliseconds": times for part in ("first_token", "token", "latency")},
        },
    }
    lines = shown_service(tmp_path, report)
    assert lines[0] == "8 certified prompts answered by the certified tokens, at most 6e-07 off"
    assert lines[2:] == [f"{part}: p50 2 ms, p95 8 ms, p99 9 ms" for part in ("first token", "token")]


def test_what_is_served_elsewhere_is_told_so(tmp_path: Path) -> None:
    (line,) = shown_service(tmp_path, {"is_served": False, "efficiency": {}, "faults": []})
    assert line == "not asked here: what serves it runs where it is deployed"


def shown_service(root: Path, report: dict[str, Any]) -> list[str]:
    """The lines about the service, of a language model."""
    folder = root / "artifacts/tickets"
    (folder / "test").mkdir(parents=True)
    (folder / artifacts.SERVICE_REPORT).write_text(json.dumps(report))
    text = results(folder, language_model(), {"test"}, 0)
    return [line.strip() for line in text.split("service:\n")[1].split("\n\n")[0].splitlines()]
