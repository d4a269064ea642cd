"""A spec, what DVC ran for it and the data that it ran with belong together, at the latest in a commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.impact.consistency import tracked_data
from aimass_compiler.impact.models import at
from aimass_compiler.stages import STAGES
from cli.projects import Project

LOCK_FILE = "generated/churn/dvc.lock"
TRACKED = "data/customers.csv.dvc"
OLD, NEW = "a" * 32, "b" * 32


def commit(root: Path) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["add", "--all"], [*names, "commit", "--quiet", "--message", "Run"]):
        subprocess.run(["git", *words], cwd=root, check=True)


@pytest.fixture
def run(compiled: Project) -> Project:
    """A model that DVC ran with what its spec says now, committed."""
    subprocess.run(["git", "init", "--quiet"], cwd=compiled.root, check=True)
    compiled.write(".dvc/config", "")
    compiled.write(LOCK_FILE, lock(compiled.root))
    compiled.write(TRACKED, f"outs:\n- md5: {OLD}\n  path: customers.csv\n")
    commit(compiled.root)
    return compiled


def lock(root: Path) -> str:
    """What DVC writes of a run of every stage with what is compiled, and with the old data."""
    path = "generated/churn/pipeline.json"
    pipeline = json.loads((root / path).read_text())
    stages: dict[str, dict[str, object]] = {
        stage.name: {"cmd": "c", "params": {path: {part: at(pipeline, part) for part in stage.reads}}}
        for stage in STAGES
    }
    stages["prepare"]["deps"] = [{"path": "data/customers.csv", "hash": "md5", "md5": OLD, "size": 1}]
    return json.dumps({"schema": "2.0", "stages": stages})  # JSON is YAML


def checked(project: Project) -> tuple[int, bool]:
    done = project.aimass("compile", "--check")
    return done.code, "AM039" in done.err


def test_data_that_is_named_otherwise_is_a_warning_until_it_is_committed(run: Project) -> None:
    run.write(TRACKED, f"outs:\n- md5: {NEW}\n  path: customers.csv\n")
    assert f"`{TRACKED}` names another version of data/customers.csv" in run.aimass("plan").err
    done = run.aimass("compile", "--check")
    assert (done.code, f"warning[AM039]: `{TRACKED}`" in done.err) == (ExitCode.DONE, True)
    commit(run.root)
    done = run.aimass("compile", "--check")
    assert (done.code, f"error[AM039]: `{TRACKED}`" in done.err) == (ExitCode.STALE, True)


def test_a_spec_that_did_not_run_yet_is_a_warning_until_it_is_committed(run: Project) -> None:
    assert checked(run) == (ExitCode.DONE, False)
    run.edit("max_iter: 500", "max_iter: 600")
    run.aimass("compile")
    done = run.aimass("compile", "--check")
    assert (done.code, "warning[AM039]" in done.err) == (ExitCode.DONE, True)
    assert "was recorded before `model.logistic_regression.max_iter` changed" in done.err
    assert run.aimass("check").code == ExitCode.DONE
    commit(run.root)
    done = run.aimass("compile", "--check")
    assert (done.code, "error[AM039]" in done.err) == (ExitCode.STALE, True)
    assert f"where CI trains: `git rm --cached {LOCK_FILE}`" in done.err
    assert run.aimass("check").code == ExitCode.DONE
    subprocess.run(["git", "rm", "--quiet", "--cached", LOCK_FILE], cwd=run.root, check=True)
    assert checked(run)[0] == ExitCode.DONE


def test_a_model_that_never_ran_passes(run: Project) -> None:
    (run.root / LOCK_FILE).unlink()
    commit(run.root)
    assert checked(run) == (ExitCode.DONE, False)


def test_the_commit_that_a_run_proposes_has_the_data(run: Project) -> None:
    assert tracked_data(run.root, "churn") == [TRACKED]
    (run.root / TRACKED).rename(run.root / "data.dvc")
    assert tracked_data(run.root, "churn") == ["data.dvc"]


def test_serving_in_a_clone_needs_no_run(run: Project) -> None:
    done = run.aimass("serve", "churn")
    assert done.code == ExitCode.USAGE
    assert "`dvc pull` gets the one that generated/churn/dvc.lock has on record" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "content", "told", "way"),
    [
        (LOCK_FILE, b"\xff\xfe", "it is not UTF-8", "or delete it"),
        (LOCK_FILE, b"a: b: c\n", "Mapping values are not allowed here", "or delete it"),
        (LOCK_FILE, b"schema: '2.0'\nstages: 3\n", "expected a dictionary, in stages", "or delete it"),
        (TRACKED, b"outs: [\n", "While parsing a flow node", "`dvc add data/customers.csv`"),
    ],
)
def test_the_reason_that_dvc_gives_is_passed_on(
    run: Project, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes, told: str, way: str
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")  # at which DVC would stop for reasons of its own
    (run.root / file).write_bytes(content)
    done = run.aimass("run", "churn", "--until", "prepare")
    assert done.code == ExitCode.FAILED
    assert f"error: DVC cannot read {file}: {told}" in done.err
    assert f"help: take it from git (`git checkout {file}`)" in done.err
    assert way in done.err
    ignored = (run.root / ".gitignore").read_text().splitlines()
    assert {"/artifacts/", "/dvc_plots/"} <= set(ignored)
