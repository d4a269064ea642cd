"""What a search found is listed from the best trial on, whichever way its metric goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from render.models import pipeline

from aimass_compiler.cli.views.run import results


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
