"""What the runner of these tests makes of an expression is what GitHub makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.github_actions.expressions import filled, holds, value

EVENT = {"pull_request": {"labels": [{"name": "Breaking"}, {"name": "docs"}], "number": 7}}
CONTEXTS = {
    "github": {"event": EVENT, "actor": "anna", "ref": "refs/heads/main"},
    "vars": {},
    "env": {"A": ""},
}
GOOD = {"success": lambda: True, "failure": lambda: False, "cancelled": lambda: False, "always": lambda: True}
BAD = {**GOOD, "success": lambda: False, "failure": lambda: True}


@pytest.mark.parametrize(
    ("expression", "worth"),
    [
        ("github.actor", "anna"),
        ("github.event.merge_group.base_sha || 'HEAD^1'", "HEAD^1"),
        ("vars.USER || github.actor", "anna"),
        ("github.ref == 'refs/heads/MAIN'", True),
        ("github.ref != ''", True),
        ("contains(github.event.pull_request.labels.*.name, 'breaking')", True),
        ("!contains(github.event.pull_request.labels.*.name, 'other')", True),
        ("true && false || 'it''s'", "it's"),
        ("'a' == 'b' && 'x' || 'y'", "y"),
        ("!(true && false)", True),
        ("fromJSON('[1, 2]')[1]", 2),
        ("null == 0", True),
        ("vars.NONE.at.all == ''", True),
        ("github.event.pull_request.number == '7'", True),
    ],
)
def test_an_expression_is_worth(expression: str, worth: Any) -> None:
    assert value(expression, CONTEXTS, GOOD) == worth


def test_what_stands_in_text_becomes_text() -> None:
    assert (
        filled("a ${{ github.actor }}, ${{ true }}, ${{ vars.NONE }}.", CONTEXTS, GOOD) == "a anna, true, ."
    )
    assert filled("${{ fromJSON('[\"x\"]') }}", CONTEXTS, GOOD) == ["x"]


@pytest.mark.parametrize(
    ("condition", "is_good", "is_bad"),
    [
        ("", True, False),
        ("github.actor == 'anna'", True, False),
        ("${{ !cancelled() }}", True, True),
        ("!cancelled() && github.actor == 'bert'", False, False),
        ("always()", True, True),
        ("failure()", False, True),
    ],
)
def test_a_condition_asks_for_success_unless_it_asks_otherwise(
    condition: str, is_good: bool, is_bad: bool
) -> None:
    assert (holds(condition, CONTEXTS, GOOD), holds(condition, CONTEXTS, BAD)) == (is_good, is_bad)


@pytest.mark.parametrize("expression", ["1 < 2", "github.actor github.actor", "(true", "hashFiles('x')"])
def test_what_cannot_be_read_is_not_guessed(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        value(expression, CONTEXTS, GOOD)
