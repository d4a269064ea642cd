"""Two models behind one host are told, whatever is compiled, and however little of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.checks.shared_hosts import Route, findings
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.conventions import VARIABLE_CACHE
from aimass_compiler.project import Project
from cli.projects import Project as Shell

ONE = "{host: models.example.com}"
#: What is written of the gateways of two models, with the settings → what is said of the second.
CASES: dict[str, tuple[str, str, str, list[str]]] = {
    "one host": (f"serving: {{gateway: {ONE}}}", f"serving: {{gateway: {ONE}}}", "", ["error"]),
    "a host each": (f"serving: {{gateway: {ONE}}}", "serving: {gateway: {host: other.example.com}}", "", []),
    "one host at two gateways": (
        f"serving: {{gateway: {ONE}}}",
        "serving: {gateway: {host: models.example.com, name: inside}}",
        "",
        [],
    ),
    "in one environment only": (
        f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}",
        f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}",
        "",
        ["error"],
    ),
    "in two environments of one cluster": (
        f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}",
        f"environments: {{prod: {{serving: {{gateway: {ONE}}}}}}}",
        "",
        ["error"],
    ),
    "in two environments of two clusters": (
        f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}",
        f"environments: {{prod: {{serving: {{gateway: {ONE}}}}}}}",
        "environments: {dev: {server: 'https://one'}, prod: {server: 'https://two'}}\n",
        [],
    ),
    "one host for all, and another one in prod": (
        f"serving: {{gateway: {ONE}}}",
        "serving: {gateway: {host: other.example.com}}\n"
        f"environments: {{prod: {{serving: {{gateway: {ONE}}}}}}}",
        "",
        ["error"],
    ),
    "one `*.`": (
        "serving: {gateway: {host: '*.example.com'}}",
        "serving: {gateway: {host: '*.example.com'}}",
        "",
        ["error"],
    ),
    "below a `*.`": (
        "serving: {gateway: {host: '*.example.com'}}",
        "serving: {gateway: {host: a.b.example.com}}",
        "",
        ["warning"],
    ),
    "a `*.` above": (
        "serving: {gateway: {host: a.example.com}}",
        "serving: {gateway: {host: '*.example.com'}}",
        "",
        ["warning"],
    ),
    "a `*.` below a `*.`": (
        "serving: {gateway: {host: '*.example.com'}}",
        "serving: {gateway: {host: '*.a.example.com'}}",
        "",
        ["warning"],
    ),
    "beside a `*.`": (
        "serving: {gateway: {host: '*.a.example.com'}}",
        "serving: {gateway: {host: a.example.com}}",
        "",
        [],
    ),
    "below a `*.` that is accepted": (
        "serving: {gateway: {host: '*.example.com'}}",
        "serving: {gateway: {host: a.example.com}}",
        "waivers: [{code: AM455, reason: the router takes what is left}]\n",
        [],
    ),
}


def written(root: Path, model: str, text: str) -> None:
    (root / "specs").mkdir(exist_ok=True)
    # AM415 is about the environments of one model, which these are not.
    waived = "waivers: [{code: AM415, reason: they are apart}]\n" if "serving: {gateway" in text[:20] else ""
    spec = BASE.replace("name: churn", f"name: {model}")
    (root / f"specs/{model}.yaml").write_text(f"{spec}{text}\n{waived}")


@pytest.mark.parametrize("name", CASES)
def test_compiling_and_checking_tell_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    first, second, settings, want = CASES[name]
    written(tmp_path, "first", first)
    written(tmp_path, "second", second)
    (tmp_path / "aimass.yaml").write_text(settings)
    project = Project(tmp_path)
    specs = project.specs()
    for found in (
        compile_specs(project, specs).findings,
        compile_specs(project, specs, upto=Upto.CHECK).findings,
        compile_specs(project, specs[1:]).findings,
        compile_specs(project, specs[1:], upto=Upto.CHECK).findings,
    ):
        told = [finding for finding in found if finding.code == "AM455"]
        assert [finding.severity.value for finding in told] == want
        assert {finding.file for finding in told} <= {"specs/second.yaml"}


@pytest.fixture
def shell(empty: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """A project of which one of two models was compiled, and is on record."""
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    written(empty.root, "first", f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}")
    assert empty.aimass("compile").code == 0
    return empty


@pytest.mark.parametrize("command", ["compile", "check", "plan", "compile --check", "compile second"])
def test_a_spec_that_is_added_meets_one_that_is_not_compiled_again(shell: Shell, command: str) -> None:
    written(shell.root, "second", f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}")
    for _ in range(2):
        done = shell.aimass(*command.split())
        assert done.code == 1
        assert "error[AM455]: `models.example.com` is also the host of `first`" in done.err + done.out
        assert "specs/first.yaml" in done.err + done.out


def test_a_host_that_was_given_away_is_free(shell: Shell) -> None:
    """Though the model that had it was not compiled since."""
    written(shell.root, "first", "environments: {dev: {serving: {gateway: {host: first.example.com}}}}")
    written(shell.root, "second", f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}")
    assert shell.aimass("compile", "second").code == 0
    assert shell.aimass("compile").code == 0


def test_a_host_that_came_with_the_settings_is_told(shell: Shell) -> None:
    """Two clusters become one: nothing of either spec has changed."""
    two = "environments: {dev: {server: 'https://one'}, prod: {server: 'https://two'}}\n"
    shell.write("aimass.yaml", two)
    written(shell.root, "second", f"environments: {{prod: {{serving: {{gateway: {ONE}}}}}}}")
    assert shell.aimass("compile").code == 0
    shell.write("aimass.yaml", two.replace("two", "one"))
    assert "AM455" in shell.aimass("compile").err


def test_many_models_on_one_host_are_told_once_each() -> None:
    routes = [
        Route(f"m{number:03}", f"specs/m{number:03}.yaml", "prod", (None, "a", "b"), "*.example.com", ())
        for number in range(200)
    ]
    found = list(findings(routes, ()))
    assert [finding.file for finding in found] == [route.file for route in routes[1:]]


def test_an_editor_is_told_in_what_is_typed(shell: Shell) -> None:
    written(shell.root, "second", f"environments: {{dev: {{serving: {{gateway: {ONE}}}}}}}")
    typed = {shell.root / "specs/second.yaml": (shell.root / "specs/second.yaml").read_bytes()}
    found = compile_specs(
        Project(shell.root), [shell.root / "specs/second.yaml"], upto=Upto.CHECK, texts=typed
    )
    assert [finding.code for finding in found.findings] == ["AM312", "AM455"]


def test_a_host_is_seen_beside_a_misspelt_key_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    for name in ("churn", "leavers"):
        text = BASE.replace("name: churn", f"name: {name}")
        text += f"serving: {{gateway: {ONE}, limits: {{timeuot: 1s}}}}\n"
        (tmp_path / f"specs/{name}.yaml").write_text(text)
    project = Project(tmp_path)
    compiled = compile_specs(project, project.specs(), upto=Upto.CHECK)
    assert [found.code for found in compiled.findings] == ["AM102", "AM102", "AM455"]
