"""A reason leads to a candidate unless cooldown, budget, or candidates that failed are against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from render.models import pipeline

from aimass_compiler.releases.candidate_ledger import TriedCandidate
from aimass_compiler.retraining.causes import CausesFound, FoundCause
from aimass_compiler.retraining.decision import decided, recipe_digest

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FOUND = CausesFound((FoundCause("drift", "calls moved"),), (), {}, "rows now")
RETRAIN = {"on": ["drift"], "cooldown": "1d", "attempts": 2, "budget": {"candidates": 3, "cost": 10.0}}


def model(**changes: Any) -> Any:
    return pipeline({"monitoring": {"retrain": RETRAIN | changes}})


def tried(days: float, outcome: Any = "passed", **more: Any) -> TriedCandidate:
    given = {"recipe": recipe_digest(model()), "rows": f"rows of {days}", **more}
    return TriedCandidate(time=(NOW - timedelta(days=days)).isoformat(), outcome=outcome, **given)


def test_a_reason_that_nothing_is_against_is_due() -> None:
    assert decided(model(), FOUND, [], NOW).is_due
    assert decided(model(), FOUND, [tried(2)], NOW).text == "calls moved"
    none = CausesFound((), (), {})
    found = decided(model(), none, [], NOW)
    assert (found.is_due, found.text) == (False, "there is no reason to train again")
    never = decided(pipeline({"monitoring": {"retrain": {"schedule": None, "on": None}}}), none, [], NOW)
    assert (never.is_due, "`monitoring.retrain` of its spec names no reason" in never.text) == (False, True)


@pytest.mark.parametrize(
    ("attempts", "why"),
    [
        ([tried(0.5)], "not before 2026-12-02 00:00 UTC"),
        ([tried(9), tried(5), tried(2)], "3 candidates in 30 days are the budget of 3"),
        ([tried(9, cost=6.0), tried(5, cost=4.5)], "cost 10.50, and the budget is 10"),
        ([tried(5, rows="rows now")], "those of the last candidate, which was proposed"),
    ],
)
def test_what_holds_it_back_is_said(attempts: list[TriedCandidate], why: str) -> None:
    found = decided(model(), FOUND, attempts, NOW)
    assert (found.is_due, found.needs_person) == (False, False)
    assert why in found.text


def test_what_was_not_published_goes_on_at_once_but_not_for_ever() -> None:
    waits = tried(0.1, "unpublished", rows="rows now", reason="a push failed")
    found = decided(model(), FOUND, [waits], NOW)
    assert (found.is_due, found.text) == (True, "the last candidate waits to be proposed: a push failed")
    assert decided(model(), FOUND, [waits, waits], NOW).needs_person


def test_what_is_long_ago_costs_nothing() -> None:
    assert decided(model(), FOUND, [tried(31, cost=99.0), tried(40), tried(50), tried(60)], NOW).is_due


def test_after_as_many_failures_as_may_be_a_person_decides() -> None:
    failed = [tried(9, "failed", reason="a gate"), tried(5, "failed", reason="worse")]
    found = decided(model(), FOUND, failed, NOW)
    assert (found.is_due, found.needs_person) == (False, True)
    assert found.text == "2 candidates in a row failed: worse"
    assert decided(model(), FOUND, failed[:1], NOW).is_due


@pytest.mark.parametrize(
    "later",
    [
        [tried(8, "failed"), tried(4, "resumed")],
        [tried(8, "passed"), tried(4, "failed")],
        [tried(8, "failed", recipe="another")],
    ],
)
def test_a_person_a_success_or_another_recipe_lets_it_go_on(later: list[TriedCandidate]) -> None:
    budget = model(budget=None)
    assert decided(budget, FOUND, [tried(9, "failed"), *later], NOW).is_due
