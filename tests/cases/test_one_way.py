"""Every command reports the same findings about a spec, for they all compile it in the same way."""

from __future__ import annotations

import io
import pathlib
import sys

import pytest

from aimass_compiler import checks
from aimass_compiler.cli import main
from tests.cases.test_cases import CASES

FAILING = [case for case in CASES if case.name.startswith("err-")]
COMMANDS = (
    ("plan",),
    ("compile",),
    ("explain", "specs/churn.yaml"),
    ("fix", "--check"),
    ("check", "--stdin-filename", "specs/churn.yaml"),
)


def reported(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a command reports in the current folder."""
    text = pathlib.Path("specs/churn.yaml").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(command) != 0
    return capsys.readouterr().err


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
def test_every_command_reports_the_same(
    case: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_bytes((case / "spec.yaml").read_bytes())
    want = reported(("check",), monkeypatch, capsys)
    assert want
    for command in COMMANDS:
        assert want in reported(command, monkeypatch, capsys), command


def test_wrong_settings_are_one_error_for_every_command(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "aimass.yaml").write_text("environments: [qa, live]\n")
    change = "environments: {qa: {serving: {replicas: {min: 1}}}, live: {}}\n"
    (tmp_path / "specs/churn.yaml").write_text(checks.BASE + change)
    for command in (("check",), *COMMANDS[:4]):
        err = reported(command, monkeypatch, capsys)
        assert err.count("error[") == 1, command
        assert "error[AM103]: `environments` must be a mapping, not a list" in err


def test_a_part_fails_with_what_is_in_it_and_what_it_is_in() -> None:
    assert checks.is_failed("serving.limits", frozenset({"serving.limits.timeout"}))
    assert checks.is_failed("serving.limits", frozenset({"serving"}))
    assert not checks.is_failed("serving.limits", frozenset({"serving.limit", "serving.replicas"}))


def test_a_misspelt_key_hides_nothing_that_targets_cannot_express_in_other_parts(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "aimass.yaml").write_text("images: {registry: 'https://registry.example.com'}\n")
    broken = "serving: {gateway: {host: a b}, rollout: {surge: 12.5%}, limits: {timeuot: 1s}}\n"
    (tmp_path / "specs/churn.yaml").write_text(checks.BASE + broken)
    err = reported(("check",), monkeypatch, capsys)
    assert all(code in err for code in ("AM102", "AM411", "AM414", "AM431"))
    broken = "serving: {rollout: {canary: [12.5, x, 100]}}\n"
    (tmp_path / "specs/churn.yaml").write_text(checks.BASE + broken)
    assert "AM411" not in reported(("check",), monkeypatch, capsys)


def test_a_misspelt_key_of_a_gate_does_not_hide_metrics_that_do_not_exist(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    broken = "objective: {metric: roc_acu}\nevaluation: {metrics: [f2], gates: [{metric: f1, mni: 0.8}]}\n"
    (tmp_path / "specs/churn.yaml").write_text(checks.BASE + broken)
    err = reported(("check",), monkeypatch, capsys)
    assert err.count("error[AM223]") == 2
    assert "error[AM102]" in err
