"""The alert rules are checked by Prometheus' own tool."""

from __future__ import annotations

import shutil

import pytest

from aimass_compiler.exit_codes import ExitCode
from cli.projects import Project


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
def test_the_alert_rules_of_every_model_are_checked(compiled: Project) -> None:
    done = compiled.aimass("alerts", "--into", str(compiled.root / "kept"))
    assert done.code == ExitCode.DONE
    assert "churn: promtool accepts the alert rules of dev, staging, prod" in done.out
    kept = {path.name for path in (compiled.root / "kept" / "churn").iterdir()}
    own = {f"{name}.rules.yaml" for name in ("dev", "staging", "prod")}
    assert kept == own | {"dev.training_monitoring.rules.yaml"}


def test_rules_that_promtool_rejects_are_reported(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled.root / "promtool"
    program.write_text('#!/bin/sh\necho "FAILED: $1 $2 $3" >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(compiled.root), prepend=":")
    done = compiled.aimass("alerts", "churn")
    assert done.code == ExitCode.FAILED
    assert "error: promtool rejects the alert rules of churn" in done.err
    assert "FAILED: check rules dev.rules.yaml" in done.err


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


def test_a_folder_that_cannot_be_written_is_told(compiled: Project) -> None:
    (compiled.root / "kept").write_text("a file")
    done = compiled.aimass("alerts", "churn", "--into", str(compiled.root / "kept"))
    assert done.code == ExitCode.DISK
    assert "kept/churn could not be written: Not a directory" in done.err
