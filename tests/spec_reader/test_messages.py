"""What people read about each mistake, held as text beside the spec that has it.

`REWRITE=1 pytest tests/spec_reader` writes the texts anew; read their diff before you commit it.
"""

from __future__ import annotations

import os
import pathlib

import pytest

from aimass_compiler.cli.views import findings_text
from aimass_compiler.spec.yaml.reader import read_document

CASES = sorted((pathlib.Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mistakes_are_told_as_before(case: pathlib.Path) -> None:
    document, findings = read_document(case / "spec.yaml", "specs/churn.yaml")
    told = findings_text.drawn(findings, {"specs/churn.yaml": document})
    want = case / "want.txt"
    if "REWRITE" in os.environ:
        want.write_text(told, encoding="utf-8")
    assert told == want.read_text(encoding="utf-8")
