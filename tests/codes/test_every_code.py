"""Every code is explained, and shown by something that has the problem and something that has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE, LANGUAGE
from aimass_compiler.cli.views.explain import codes_page
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.diagnostics import Example
from aimass_compiler.language.codes import examples, explanations
from aimass_compiler.project import Project
from aimass_compiler.spec.yaml.reader import parse
from codes.situations import SITUATIONS
from tests.cases.front_end import SHOWN, changed

PAGE = Path(__file__).parents[2] / "docs/codes.md"
EVERY = [example for several in examples().values() for example in several]
TEXTS = [example for example in EVERY if example.of != "situation"]


def named(example: Example) -> str:
    place = examples()[example.code].index(example)
    return f"{example.code}-{place + 1}" if place else example.code


def codes_of(example: Example, text: str, root: Path) -> list[str]:
    """What is found in the text of an example, as the compiler comes to see it."""
    if example.of == "file":
        return [finding.code for finding in parse(text, SHOWN)[1]]
    (root / "specs").mkdir(exist_ok=True)
    spec = root / "specs/churn.yaml"
    spec.write_text(
        BASE if example.of == "settings" else json.dumps(changed(example, text)), encoding="utf-8"
    )
    settings = text if example.of == "settings" else example.settings
    if settings:
        (root / "aimass.yaml").write_text(settings, encoding="utf-8")
    return [finding.code for finding in compile_specs(Project(root), [spec], upto=Upto.CHECK).findings]


def test_every_code_has_an_example() -> None:
    assert [code for code in explanations() if code not in examples()] == []
    assert [code for code in examples() if code not in explanations()] == []


@pytest.mark.parametrize("example", TEXTS, ids=named)
def test_what_fails_differs_by_this_problem_only_from_what_passes(example: Example, tmp_path: Path) -> None:
    fails, passes = (
        set(codes_of(example, example.fails, tmp_path)),
        codes_of(example, example.passes, tmp_path),
    )
    assert fails - set(passes) == {example.code}


@pytest.mark.parametrize(
    "example", [example for example in TEXTS if example.of not in ("change", "language")], ids=named
)
def test_a_whole_text_that_passes_has_no_problem(example: Example, tmp_path: Path) -> None:
    assert codes_of(example, example.passes, tmp_path) == []


@pytest.mark.parametrize("code", SITUATIONS)
def test_a_situation_has_its_problem_or_not(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails, passes = SITUATIONS[code]
    with monkeypatch.context() as patched:
        (tmp_path / "fails").mkdir()
        assert {finding.code for finding in fails(tmp_path / "fails", patched)} == {code}
    with monkeypatch.context() as patched:
        (tmp_path / "passes").mkdir()
        assert passes(tmp_path / "passes", patched) == []


def test_every_situation_that_is_told_is_brought_about() -> None:
    assert sorted({example.code for example in EVERY if example.of == "situation"}) == sorted(SITUATIONS)


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    page = codes_page(explanations(), examples(), BASE, LANGUAGE)
    assert page == PAGE.read_text(encoding="utf-8"), "run `make generate`"
    assert all(f"\n### {code}\n" in page for code in explanations())
