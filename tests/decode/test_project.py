"""The files of a project taken together: its settings, and specs that get in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.cli.views import findings_text as people
from aimass_compiler.compile import Compiled, compile_specs
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """\
error[AM208]: the model `churn` has a spec already
 --> specs/churn.yml:4:18
  |
4 | metadata: {name: churn}
  |                  ^^^^^
 ::: specs/churn.yaml:3:18
  |
3 | metadata: {name: churn}
  |                  ----- `churn` is described here, too
help: keep one of them

1 error in specs/churn.yml
"""


def compiled(root: Path, files: dict[str, str]) -> Compiled:
    """What comes of a project with these files."""
    (root / "specs").mkdir()
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    project = Project(root)
    return compile_specs(project, project.specs())


def test_two_specs_of_one_model_are_told_with_both_places(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"specs/churn.yaml": BASE, "specs/churn.yml": f"# a copy\n{BASE}"})
    assert people.drawn(found.findings, found.documents) == TWICE
    assert found.files == {}


CLASH = """\
error[AM293]: `churn-stable` is what the Service of what serves beside its canary is called in `churn`
 --> specs/churn.yaml:3:18
  |
3 | metadata: {name: churn}
  |                  ^^^^^
 ::: specs/churn-stable.yaml:3:18
  |
3 | metadata: {name: churn-stable}
  |                  ------------ `churn-stable` is described here
help: give the model `churn-stable` another name

1 error in specs/churn.yaml
"""


def test_a_model_is_not_called_like_a_part_of_another_whichever_is_compiled(tmp_path: Path) -> None:
    clashing = BASE.replace("name: churn", "name: churn-stable")
    both = compiled(tmp_path, {"specs/churn.yaml": BASE, "specs/churn-stable.yaml": clashing})
    assert [finding.code for finding in both.findings] == ["AM293"]
    project = Project(tmp_path)
    first = compile_specs(project, [tmp_path / "specs/churn.yaml"])
    assert people.drawn(first.findings, first.documents) == CLASH
    second = compile_specs(project, [tmp_path / "specs/churn-stable.yaml"])
    assert [(each.code, each.file) for each in second.findings] == [("AM293", "specs/churn-stable.yaml")]


def test_a_spec_is_called_like_its_model(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"specs/chrun.yaml": BASE})
    assert [(finding.code, finding.file) for finding in found.findings] == [("AM205", "specs/chrun.yaml")]


@pytest.mark.parametrize("settings", ["", "# to be written\n", "---\n", "{}"])
def test_settings_that_say_nothing_are_the_defaults(tmp_path: Path, settings: str) -> None:
    found = compiled(tmp_path, {"aimass.yaml": settings, "specs/churn.yaml": BASE})
    assert found.findings == ()
    assert list(found.pipelines["churn"].environments) == ["dev", "staging", "prod"]


def test_there_is_at_least_one_environment(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"aimass.yaml": "environments: {}\n", "specs/churn.yaml": BASE})
    [finding] = found.findings
    assert (finding.code, finding.path, finding.file) == ("AM107", ("environments",), "aimass.yaml")
    assert finding.message == "`environments` must have at least 1 item, not 0"
    assert found.files == {}


def test_the_clock_of_a_watch_is_told_from_that_of_training(tmp_path: Path) -> None:
    times = "schedule: 0 3 * * 1, watch: %s"
    for watch, mistakes in (("0 3 * * 1", 1), ("0 4 * * 1", 0)):
        written = "{compiler: {version: 0.1.0}, training: {%s}}" % (times % watch)
        root = tmp_path / str(mistakes)
        root.mkdir()
        found = compiled(root, {"aimass.yaml": f"ci: {{github: {written}}}", "specs/churn.yaml": BASE})
        told = [each.message for each in found.findings if each.path[:3] == ("ci", "github", "training")]
        assert len(told) == mistakes, told


def test_a_spec_is_not_told_of_environments_that_are_declared_wrongly(tmp_path: Path) -> None:
    spec = f"{BASE}environments: {{qa: {{serving: {{replicas: {{min: 1}}}}}}}}\n"
    files = {"aimass.yaml": "environments: [qa, live]\n", "specs/churn.yaml": spec}
    found = compiled(tmp_path, files).findings
    assert [(finding.code, finding.path) for finding in found] == [("AM103", ("environments",))]


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ("environments: [dev, prod]", "write `dev: {}` in the place of `dev`, and so on"),
        ("environments:\n  dev:", "write `{}`, or leave the key out"),
        ("images: {registry: 'https://ghcr.io/acme'}", "leave the scheme out: `ghcr.io/acme`"),
        ("images: {registry: ghcr.io/Acme}", "registries take small letters only: `ghcr.io/acme`"),
    ],
)
def test_a_mistake_of_settings_has_one_way_out(tmp_path: Path, settings: str, hint: str) -> None:
    found = compiled(tmp_path, {"aimass.yaml": f"{settings}\n", "specs/churn.yaml": BASE}).findings
    assert [(finding.file, finding.help) for finding in found] == [("aimass.yaml", hint)]


def test_a_currency_is_not_told_how_models_are_called(tmp_path: Path) -> None:
    found = compiled(
        tmp_path, {"aimass.yaml": "prices: {currency: eur}\n", "specs/churn.yaml": BASE}
    ).findings
    assert [finding.message for finding in found] == [
        "`eur` is not the code of a currency; write it like `EUR`"
    ]


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ("servers: {Small_One: {}}\n", "nothing can be called `Small_One`", "such as `churn-eu`"),
        (
            "repository: {url: 'https://a.b/c', branch: '{{x}}'}\n",
            "`branch` cannot be `{{x}}`",
            "it must match `",
        ),
    ],
)
def test_a_name_is_told_what_it_must_be(tmp_path: Path, settings: str, message: str, hint: str) -> None:
    (found,) = compiled(tmp_path, {"aimass.yaml": settings, "specs/churn.yaml": BASE}).findings
    assert (found.code, found.message) == ("AM108", message)
    assert hint in found.help
