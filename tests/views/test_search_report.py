"""The page of a search draws every trial, opens without a network, and runs nothing that a spec says."""

from __future__ import annotations

import re
from typing import Any

from aimass_compiler.cli.views.search_report import is_search, search_report

EVIL = "</script><script>alert(1)</script>"


def trial(number: int, value: float | None, **parameters: Any) -> dict[str, Any]:
    status = "stopped" if value is None else "done"
    return {"id": number, "value": value, "status": status, "parameters": parameters}


def page(*trials: dict[str, Any]) -> str:
    counts = {name: sum(each["status"] == name for each in trials) for name in ("done", "stopped", "failed")}
    totals = {"trials": len(trials), "search_seconds": 2.5, **counts}
    best = {"model": "xgboost", "trial": 1, "value": 0.9, "metric": "roc_auc", "greater_is_better": True}
    return search_report("churn", {"totals": totals, "trials": trials}, best)


def drawn(text: str) -> str:
    """The page without the library that draws."""
    return "".join(
        part for part in re.findall(r"<script[^>]*>.*?</script>|[^<]+", text, re.S) if len(part) < 10**5
    )


def test_each_model_has_its_own_axes() -> None:
    text = drawn(
        page(
            trial(1, 0.9, model="xgboost", learning_rate=0.001, booster="tree"),
            trial(2, 0.8, model="xgboost", learning_rate=0.1, booster="forest"),
            trial(3, None, model="xgboost", learning_rate=0.1, booster="forest"),
            trial(4, 0.7, model="svm", c=1.0),
            trial(5, 0.6, model="svm", c=2.0),
        )
    )
    assert "What the trials of xgboost tried" in text
    assert "What the trials of svm tried" in text
    assert text.count('"parcoords"') >= 2
    assert '"ticktext":["0.001","0.01","0.1"]' in text, "what spans powers of ten is drawn by them"
    assert '"ticktext":["forest","tree"]' in text


def test_a_page_asks_no_other_machine_for_anything() -> None:
    text = page(trial(1, 0.9, depth=3), trial(2, 0.8, depth=4))
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)


def test_what_a_spec_says_is_text() -> None:
    text = drawn(page(trial(1, 0.9, kind=EVIL), trial(2, 0.8, kind="b")))
    assert "<script>alert" not in text


def test_one_training_is_no_search() -> None:
    assert not is_search({"totals": {"trials": 1, "done": 1}})
