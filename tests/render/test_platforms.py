"""What targets can express is declared once: tables and findings are made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.cli.views.targets import targets_page
from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.language.codes import explanations
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render import findings
from aimass_compiler.render.abilities import ABILITIES
from aimass_compiler.render.platform import Lacks, Platform
from aimass_compiler.render.targets import PLATFORMS
from tests.render.models import VARIED, language_model

PAGE = Path(__file__).parents[2] / "docs/targets.md"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.name)
def test_a_platform_answers_for_each_ability_of_its_area(platform: Platform) -> None:
    abilities = [each for each in ABILITIES if each.area == platform.area]
    assert set(platform.answers) == {each.key for each in abilities}
    lacking = [each for each in platform.answers.values() if isinstance(each, Lacks)]
    assert {each.code or platform.code for each in lacking} <= set(explanations())


#: Keys that choose what serves, and those of one engine of language models, which answers for them itself.
OF_ENGINES = {
    "engine", "target", "context", "concurrent", "structured_output", "adapter_of", "vllm",
}  # fmt: skip


def test_each_key_of_serving_is_an_ability_that_platforms_answer_for() -> None:
    asked = {each.key.split(".")[1] for each in ABILITIES if each.key.startswith("serving.")}
    assert asked | OF_ENGINES == set(Serving.model_fields)


@pytest.mark.parametrize("name", VARIED)
def test_each_model_is_served_by_one_platform_in_each_environment(name: str) -> None:
    made = VARIED[name]
    for environment in made.environments:
        chosen = [
            each.name for each in PLATFORMS if each.area == "serving" and each.is_chosen(made, environment)
        ]
        assert len(chosen) == 1


def found_in(overrides: dict[str, Any]) -> list[Finding]:
    serving = {"engine": "vllm", "target": "kserve", "replicas": {"min": 2, "max": 2}}
    made = language_model(serving, None, {"dev": {}, "prod": {"serving": overrides}})
    return [each for each in findings(made, "specs/support.yaml") if each.code == "AM437"]


def test_what_an_environment_alone_asks_for_is_told_there() -> None:
    (found,) = found_in({"replicas": {"max": 3}})
    assert (found.code, found.path) == ("AM437", ("environments", "prod", "serving", "replicas", "max"))
    assert (found.severity, found.file) == (Severity.WARNING, "specs/support.yaml")


def test_what_a_platform_has_is_no_finding() -> None:
    assert found_in({"replicas": {"max": 3}, "target": "kubernetes"}) == []


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    page = targets_page(ABILITIES, PLATFORMS)
    assert page == PAGE.read_text(encoding="utf-8"), "run `make generate`"
