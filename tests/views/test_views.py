"""Each view of the same findings, held as text.

`REWRITE=1 pytest tests/views` writes the texts anew; read their diff before you commit it.
"""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from aimass_compiler.cli.views import findings_text, github
from aimass_compiler.cli.views.findings import as_json
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
    "people.txt": findings_text.drawn(ORDINARY, DOCUMENTS),
    "people-without-places.txt": findings_text.drawn([UNREADABLE, NOWHERE], DOCUMENTS),
    "people-strange.txt": findings_text.drawn(STRANGE, DOCUMENTS, width=80),
    "people-coloured.txt": findings_text.drawn(ORDINARY, DOCUMENTS, is_coloured=True),
    "findings.json": as_json(EVERY, DOCUMENTS),
    "github.txt": github.drawn(EVERY, DOCUMENTS),
}


@pytest.mark.parametrize("name", DRAWN)
def test_findings_are_drawn_as_before(name: str) -> None:
    if "REWRITE" in os.environ:
        (WANT / name).write_text(DRAWN[name], encoding="utf-8", newline="")
    assert DRAWN[name].encode() == (WANT / name).read_bytes()


def test_no_findings_are_no_text() -> None:
    assert findings_text.drawn([], {}) == ""
    assert github.drawn([], {}) == ""
    assert json.loads(as_json([], {}))["findings"] == []


def test_the_order_in_which_problems_were_found_does_not_matter() -> None:
    for view in (findings_text.drawn, as_json, github.drawn):
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
    assert findings_text.summary(findings) == told


def test_a_path_that_was_never_written_points_above_it() -> None:
    lost = Finding("AM100", ("metadata", "owner", 3), "lost", file="specs/churn.yaml")
    assert "--> specs/churn.yaml:1:11" in findings_text.drawn([lost], DOCUMENTS)
