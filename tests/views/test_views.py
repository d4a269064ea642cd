"""Each view of the same findings, held as text.

`REWRITE=1 pytest tests/views` writes the texts anew; read their diff before you commit it.
"""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from aimass_compiler.cli.views import github, json_document, people
from aimass_compiler.diagnostics import Finding
from views.examples import (
    DOCUMENTS,
    MISSPELT,
    NOWHERE,
    STRANGE,
    TOO_SMALL,
    UNOWNED,
    UNREADABLE,
)

WANT = pathlib.Path(__file__).parent / "want"
ORDINARY = [TOO_SMALL, MISSPELT, UNOWNED, MISSPELT]
EVERY = [*ORDINARY, UNREADABLE, NOWHERE, *STRANGE]

DRAWN = {
    "people.txt": people.drawn(ORDINARY, DOCUMENTS),
    "people-without-places.txt": people.drawn([UNREADABLE, NOWHERE], DOCUMENTS),
    "people-strange.txt": people.drawn(STRANGE, DOCUMENTS, width=80),
    "people-coloured.txt": people.drawn(ORDINARY, DOCUMENTS, is_coloured=True),
    "findings.json": json_document.drawn(EVERY, DOCUMENTS),
    "github.txt": github.drawn(EVERY, DOCUMENTS),
}


@pytest.mark.parametrize("name", DRAWN)
def test_findings_are_drawn_as_before(name: str) -> None:
    if "REWRITE" in os.environ:
        (WANT / name).write_text(DRAWN[name], encoding="utf-8", newline="")
    assert DRAWN[name].encode() == (WANT / name).read_bytes()


def test_no_findings_are_no_text() -> None:
    assert people.drawn([], {}) == ""
    assert github.drawn([], {}) == ""
    assert json.loads(json_document.drawn([], {}))["findings"] == []


def test_the_order_in_which_problems_were_found_does_not_matter() -> None:
    for view in (people.drawn, json_document.drawn, github.drawn):
        assert view(EVERY, DOCUMENTS) == view(EVERY[::-1], DOCUMENTS)


@pytest.mark.parametrize(
    ("findings", "told"),
    [
        ([TOO_SMALL], "1 error in specs/churn.yaml"),
        ([UNOWNED], "1 warning in specs/churn.yaml"),
        ([TOO_SMALL, MISSPELT, UNOWNED], "2 errors, 1 warning in specs/churn.yaml"),
        ([TOO_SMALL, UNREADABLE], "2 errors in 2 files"),
        ([NOWHERE], "1 error"),
    ],
)
def test_the_summary_counts(findings: list[Finding], told: str) -> None:
    assert people.summary(findings) == told


def test_a_path_that_was_never_written_points_above_it() -> None:
    lost = Finding("AM100", ("metadata", "owner", 3), "lost", file="specs/churn.yaml")
    assert "--> specs/churn.yaml:1:11" in people.drawn([lost], DOCUMENTS)
