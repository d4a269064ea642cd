"""What a run leaves in a git repository: everything to commit, and nothing that DVC keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.projects import Project


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("below", [".", "models/churn"])
def test_results_and_the_cache_stay_out_of_git(tmp_path: Path, below: str) -> None:
    git(tmp_path, "init", "--quiet")
    project = Project.make(tmp_path / below)
    done = project.aimass("run", "churn", "--until", "prepare", variables=seen_from(tmp_path))
    assert done.code == 0, done.told
    assert "made this project a DVC repository: commit .dvc and .gitignore\n" in done.out
    git(project.root, "add", "specs", "generated", ".dvc", ".gitignore")
    added = git(project.root, "ls-files").split()
    assert [path for path in added if path.startswith((".dvc/", "artifacts/"))] == [
        ".dvc/.gitignore",
        ".dvc/config",
    ]
    left = git(project.root, "ls-files", "--others", "--exclude-standard").split()
    assert {path.split("/")[0] for path in left} <= {"data", ".site"}


def test_what_a_gitignore_says_stays(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    project = Project.make(tmp_path)
    project.write(".gitignore", "/.venv/")
    assert project.aimass("run", "churn", "--until", "prepare").code == 0
    assert project.read(".gitignore") == "/.venv/\n/artifacts/\n/dvc_plots/\n"


def test_a_dvc_repository_that_is_there_is_completed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    project = Project.make(tmp_path)
    assert project.command("dvc", "init", "--quiet").code == 0
    done = project.aimass("run", "churn", "--until", "prepare")
    assert "had git leave out results: commit .gitignore\n" in done.out
    assert project.read(".gitignore") == "/artifacts/\n/dvc_plots/\n"
    project.write(".gitignore", "")
    again = project.aimass("run", "churn", "--until", "prepare")
    assert "commit" not in again.out, "who tracks results has a reason"


def test_a_project_that_git_leaves_out_leaves_its_gitignore_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("build/\n")
    project = Project.make(tmp_path / "build" / "demo")
    done = project.aimass("run", "churn", "--until", "prepare", variables=seen_from(tmp_path))
    assert "made this project a DVC repository: commit .dvc\n" in done.out
    assert not (project.root / ".gitignore").exists()


def test_a_git_that_begins_after_the_first_run_has_no_results_and_keeps_experiments(tmp_path: Path) -> None:
    project, above = Project.make(tmp_path / "models"), seen_from(tmp_path)
    done = project.aimass("run", "churn", "--until", "prepare", variables=above)
    assert "made this project a DVC repository: after `git init`, commit .dvc and .gitignore\n" in done.out
    git(project.root, "init", "--quiet")
    git(project.root, "add", ".")
    added = git(project.root, "ls-files").split()
    assert {path for path in added if path.startswith((".dvc/", "artifacts/"))} == {
        ".dvc/.gitignore",
        ".dvc/config",
    }
    person = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    git(project.root, *person, "commit", "--quiet", "-m", "begin")
    options = ["--set", "data.split.train=0.5", "--set", "data.split.test=0.3", "--name", "half"]
    kept = project.aimass("run", "churn", "--until", "prepare", *options, variables=above)
    assert kept.code == 0, kept.told
    assert "connected DVC to the git repository: commit .dvc/config\n" in kept.out
    assert "kept as `half`" in kept.out


def seen_from(root: Path) -> dict[str, str]:
    """The variables with which git looks as far up as this repository."""
    return {"GIT_CEILING_DIRECTORIES": str(root.parent)}
