"""The alerts are tested by Prometheus' own tool."""

from __future__ import annotations

import shutil

import pytest

from aimass_compiler.conventions import ExitCode
from cli.projects import Project


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
def test_the_alerts_of_every_model_are_tested(compiled: Project) -> None:
    done = compiled.aimass("alerts", "--into", str(compiled.root / "kept"))
    assert done.code == ExitCode.DONE
    assert (
        "churn: every alert is raised when it must be and silent otherwise, in dev, staging, prod" in done.out
    )
    kept = {path.name for path in (compiled.root / "kept" / "churn").iterdir()}
    assert kept == {
        *(f"{name}.{kind}.yaml" for name in ("dev", "staging", "prod") for kind in ("rules", "test")),
        "dev.days.test.yaml",
    }


@pytest.mark.parametrize(
    ("refused", "told"), [("check", "FAILED: dev.rules.yaml"), ("test", "FAILED: dev.days.test.yaml")]
)
def test_an_alert_that_promtool_finds_wrong_is_told(
    compiled: Project, monkeypatch: pytest.MonkeyPatch, refused: str, told: str
) -> None:
    program = compiled.root / "promtool"
    program.write_text(f'#!/bin/sh\n[ "$1" = {refused} ] || exit 0\necho "FAILED: $3" >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(compiled.root), prepend=":")
    done = compiled.aimass("alerts", "churn")
    assert done.code == ExitCode.FAILED
    assert "error: the alerts of churn are not what they should be" in done.err
    assert told in done.err


def test_without_promtool_it_says_where_it_comes_from(
    compiled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    done = compiled.aimass("alerts")
    assert done.code == ExitCode.FAILED
    assert "`promtool` is not on the PATH; it comes with Prometheus" in done.err


def test_a_model_that_nobody_knows_is_told(compiled: Project) -> None:
    done = compiled.aimass("alerts", "churm")
    assert done.code == ExitCode.USAGE
    assert "did you mean `churn`?" in done.err
