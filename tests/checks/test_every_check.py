"""Every code is explained and shown: one change to a sound spec that it finds, and one that it does not."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from aimass_compiler import checks
from aimass_compiler.checks import Example
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Finding
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import SHOWN, base, changed, told


def test_the_spec_that_examples_change_is_sound() -> None:
    assert told(base()) == []


def found(example: Example, text: str) -> list[Finding]:
    """What is found in what an example says: of the settings, or of a change of a sound spec beside them."""
    return told(base(), text) if example.of == "settings" else told(changed(example, text), example.settings)


@pytest.mark.parametrize("example", checks.EXAMPLES, ids=lambda example: example.code)
def test_the_failing_example_has_this_problem_only(example: Example) -> None:
    assert [finding.code for finding in found(example, example.fails)] == [example.code]


@pytest.mark.parametrize("example", checks.EXAMPLES, ids=lambda example: example.code)
def test_the_passing_example_has_no_problem(example: Example) -> None:
    assert found(example, example.passes) == []


@pytest.mark.parametrize("name", checks.CHECKS)
def test_a_check_explains_and_shows_each_of_its_codes(name: str) -> None:
    module = checks.CHECKS[name]
    explained = [explanation.code for explanation in module.EXPLANATIONS]
    assert explained
    assert sorted({example.code for example in module.EXAMPLES}) == sorted(explained)


def test_no_code_is_explained_twice() -> None:
    counts = Counter(explanation.code for explanation in checks.EXPLANATIONS)
    assert [code for code, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("example", checks.EXAMPLES, ids=lambda example: example.code)
def test_a_finding_points_at_what_was_written(example: Example) -> None:
    data = base() if example.of == "settings" else changed(example, example.fails)
    for finding in found(example, example.fails):
        for note in (finding, *finding.related):
            assert note.place or note.file == SETTINGS_FILE or note.path[0] in data, note


@pytest.mark.parametrize("example", checks.EXAMPLES, ids=lambda example: example.code)
def test_an_example_is_text_that_the_reader_takes(example: Example) -> None:
    for text in (example.fails, example.passes, example.settings):
        assert parse(text, SHOWN, may_be_empty=True)[1] == []


def test_checking_needs_no_library_that_computes() -> None:
    program = """
import sys
from tests.cases.front_end import changed, checked
from aimass_compiler import checks
for example in checks.EXAMPLES:
    checked(changed(example, example.fails))
heavy = {"polars", "numpy", "torch", "sklearn", "xgboost", "onnx", "ray", "optuna"}
print(sorted(heavy & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
