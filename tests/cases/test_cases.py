"""What people read about each spec, held as text beside it; nothing for specs that are sound.

`REWRITE=1 pytest tests/cases` writes the texts anew; read their diff before you commit it.
"""

from __future__ import annotations

import os
import pathlib

import pytest

from aimass_compiler.cli.views import findings_text
from tests.cases.front_end import SHOWN, read

CASES = sorted(path.parent for path in pathlib.Path(__file__).parent.glob("*/spec.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_spec_is_told_as_before(case: pathlib.Path) -> None:
    document, findings = read(case / "spec.yaml")
    told = findings_text.drawn(findings, {SHOWN: document})
    want = case / "want.txt"
    if "REWRITE" in os.environ:
        want.write_text(told, encoding="utf-8")
    assert told == want.read_text(encoding="utf-8")


def test_sound_cases_are_silent_and_others_are_not() -> None:
    silent = {case.name for case in CASES if not (case / "want.txt").read_text(encoding="utf-8")}
    assert silent == {case.name for case in CASES if case.name.startswith("ok-")}
