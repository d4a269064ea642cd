"""A run with other values than the spec: it leaves the project alone, and DVC lists it as an experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.test_git import git

if TYPE_CHECKING:
    from pipeline.projects import Project

pytestmark = [pytest.mark.nightly, pytest.mark.pipeline]


@pytest.fixture
def committed(project: Project) -> Project:
    """The project as a repository of git and DVC, with what was run in it committed."""
    git(project.root, "init", "--quiet")
    git(project.root, "config", "user.name", "Ann")
    git(project.root, "config", "user.email", "ann@example.com")
    project.command("dvc", "config", "core.no_scm", "false")
    project.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    project.write(".gitignore", "/artifacts/\n.site/\n")
    git(project.root, "add", ".")
    git(project.root, "commit", "--quiet", "-m", "base")
    return project


def test_a_run_with_other_values_is_an_experiment_and_changes_nothing_here(committed: Project) -> None:
    before = committed.results(), git(committed.root, "status", "--porcelain")
    kept = committed.aimass("run", "churn", "--set", "model.logistic_regression.l2=5.0", "--name", "strong")
    assert kept.code == 0, kept.told
    assert kept.stages == ["train", "evaluate", "package", "test"]
    assert (committed.results(), git(committed.root, "status", "--porcelain")) == before
    assert len(git(committed.root, "worktree", "list").splitlines()) == 1
    listed = committed.command("dvc", "exp", "show", "--csv").out
    assert "strong" in listed

    missed = committed.aimass("run", "churn", "--set", "evaluation.gates.0.min=1.0", "--name", "strict")
    assert missed.code == 12, missed.told
    table = json.loads(committed.aimass("runs", "churn", "--format", "json").out)
    runs = {run["name"]: run for run in table["runs"]}
    assert {"here", "strong", "strict"} == {*runs}
    assert runs["strong"]["parameters"]["model.logistic_regression.l2"] == 5.0
    assert runs["strict"]["missed_gates"]

    assert committed.command("dvc", "exp", "apply", "strict").code == 0
    packaged = committed.aimass("run", "churn")
    assert packaged.code == 12, "what missed a gate is not packaged when it comes back"
