"""Too much learned, too little, by chance, or from broken rows: each is told by its evidence."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler.cli.views.candidate import as_markdown
from aimass_compiler.pipeline.diagnosis import diagnoses
from aimass_compiler.retraining.judgement import document

FIT = {"verdict": "fits", "metric": "roc_auc", "baseline": 0.5, "reason": "on the train split …"}
STEADY = {"seeds": {"validation": {"roc_auc": {"mean": 0.8, "std": 0.01}}}}


def column(psi: float, before: float = 0.0, now: float = 0.0, new: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"psi": psi, "ks": None, "missing": {"before": before, "now": now}, "new_values": list(new)}


def kinds(verdict: Any = FIT, metrics: Any = STEADY, **columns: Any) -> list[str]:
    changes = {"rows": {"before": 10, "now": 10}, "columns": columns}
    return [each.kind for each in diagnoses({"fit": verdict}, metrics, changes)]


def test_what_is_sound_has_no_finding() -> None:
    assert kinds(calls=column(0.9), plan=column(0.02, new=("gold",)), age=column(0.1, 0.1, 0.12)) == []
    assert diagnoses({}, {}, {}) == []


@pytest.mark.parametrize("verdict", ["overfits", "underfits"])
def test_the_fit_is_taken_over_with_its_numbers(verdict: str) -> None:
    assert kinds(FIT | {"verdict": verdict}) == [verdict]


@pytest.mark.parametrize("where", ["seeds", "folds"])
def test_a_spread_of_a_tenth_of_what_was_learned_is_chance(where: str) -> None:
    spread = {"roc_auc": {"mean": 0.6, "std": 0.03}}
    metrics = {"seeds": {"validation": spread}} if where == "seeds" else {"cross_validation": spread}
    (found,) = diagnoses({"fit": FIT}, metrics, {})
    assert found.kind == "unstable"
    assert "0.6 ± 0.03: the spread is 30% of what it is better than a guess" in found.evidence


def test_columns_that_lost_values_or_hold_new_names_are_broken() -> None:
    changes = {"columns": {"age": column(0.4, 0.01, 0.3), "plan": column(0.5, new=("GOLD",))}}
    (found,) = diagnoses({}, {}, changes)
    assert "`age` is missing in 30.0% of the rows, 1.0% before" in found.evidence
    assert "`plan` has values that there never were: `GOLD`" in found.evidence


def test_another_unit_and_a_target_that_no_model_knows_are_broken_data() -> None:
    (found,) = diagnoses(
        {}, {}, {"columns": {"age": column(5.0) | {"ks": 0.9}, "b": column(1.0) | {"ks": 0.5}}}
    )
    assert (
        found.evidence == "`age` lies apart from what it was (Kolmogorov-Smirnov 0.9), as with another unit"
    )
    underfits = {"fit": FIT | {"verdict": "underfits"}}
    for released, kinds_found in ((0.52, ["underfits", "broken data"]), (0.8, ["underfits"])):
        comparison = {"metrics": {"roc_auc": {"released": released}}}
        assert [each.kind for each in diagnoses(underfits, {}, {}, comparison)] == kinds_found


def test_what_data_says_is_no_markup_in_a_pull_request() -> None:
    changes = {"rows": {"before": 1, "now": 2}, "columns": {"a|b": column(0.1, new=("<img>", "@all"))}}
    text = as_markdown(document("churn", ["[x](y)"], changes, {"obstacle": "none"}, {}, []))
    assert r"| a\|b |" in text
    assert "<img>" not in text
    assert "@all" not in text
    assert "\\[x](y)" in text
