"""`aimass plan --against`: what differs from a git revision, or from another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.projects import SPEC, Project

REPLICAS = ("max: 3}", "max: 5}")
OTHER = SPEC.replace("name: churn", "name: other")


def git(folder: Path, *arguments: str) -> None:
    names = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], cwd=folder, env=os.environ | names, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Compile")


@pytest.fixture
def committed(compiled: Project) -> Project:
    """A project on `main`, compiled and committed."""
    git(compiled.root, "init", "--quiet", "--initial-branch", "main")
    commit(compiled.root)
    return compiled


def models(project: Project, *arguments: str) -> dict[str, dict[str, object]]:
    """The models that a plan for programs tells of."""
    done = project.aimass("plan", "--format", "json", *arguments)
    assert (done.code, done.err) == (0, "")
    return {model["model"]: model for model in json.loads(done.out)["models"]}


def test_what_a_branch_changed_is_seen_although_it_is_compiled(committed: Project) -> None:
    committed.edit(*REPLICAS)
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    assert committed.aimass("plan").out.startswith("nothing changes: ")
    assert committed.aimass("plan", "--against", "HEAD").out.startswith("nothing changes: ")
    for base in ("HEAD^1", "main~1"):
        done = committed.aimass("plan", "--against", base)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("churn\n    serving.replicas.max: 3 → 5\n    nothing is trained again\n")
        assert "  ~ generated/churn/pipeline.json  differs from what is produced now\n" in done.out


def test_stages_that_run_again_and_the_base_are_told_to_programs(committed: Project) -> None:
    committed.edit("min: 10}", "min: 11}")
    churn = models(committed, "--against", "main")["churn"]
    assert churn["stages"] == ["features", "train", "evaluate", "package", "test"]
    told = committed.aimass("plan", "--against", "main", "--format", "json").out
    assert json.loads(told)["against"] == "main"
    assert json.loads(committed.aimass("plan", "--format", "json").out)["against"] is None


def test_new_and_removed_models_are_told_to_a_pull_request(committed: Project) -> None:
    committed.write("specs/other.yaml", OTHER)
    (committed.root / "specs" / "churn.yaml").unlink()
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    assert not (committed.root / "generated" / "churn").exists()
    text = committed.aimass("plan", "--against", "HEAD~1", "--format", "markdown").out
    assert text.startswith("## Plan against `HEAD~1`\n")
    assert "<summary><b>churn</b>: removed</summary>" in text
    assert "- generated/churn/pipeline.json  is no longer produced\n" in text
    assert "<summary><b>other</b>: a new model, runs again: prepare, features, " in text


def test_a_named_spec_is_compared_alone(committed: Project) -> None:
    committed.write("specs/other.yaml", OTHER)
    committed.edit(*REPLICAS)
    assert list(models(committed, "churn", "--against", "main")) == ["churn"]


def test_the_difference_is_shown_line_by_line(committed: Project) -> None:
    committed.edit(*REPLICAS)
    assert committed.aimass("compile").code == 0
    shown = committed.aimass("plan", "--against", "main", "--diff").out
    assert "--- a/churn/pipeline.json\n+++ b/churn/pipeline.json\n" in shown


def test_what_the_compiler_did_not_write_is_no_part_of_a_plan(compiled: Project) -> None:
    compiled.write("generated/churn/dvc.lock", "schema: '2.0'\n")
    (compiled.root / "generated" / "churn" / "link").symlink_to("dvc.lock")
    git(compiled.root, "init", "--quiet")
    commit(compiled.root)
    assert models(compiled, "--against", "HEAD") == {}


def test_an_edit_by_hand_that_was_committed_is_a_difference_and_no_problem(committed: Project) -> None:
    before = committed.files()
    committed.write("generated/churn/dvc.yaml", "stages: {}\n")
    commit(committed.root)
    (change,) = models(committed, "--against", "HEAD")["churn"]["files"]  # type: ignore[misc]  # a list
    assert (change["action"], change["path"]) == ("update", "churn/dvc.yaml")
    assert committed.files() != before, "a plan writes nothing"


def test_before_anything_was_compiled_everything_is_new(project: Project) -> None:
    git(project.root, "init", "--quiet")
    commit(project.root)
    assert models(project, "--against", "HEAD")["churn"]["new"] is True


def test_a_project_below_the_root_of_its_repository(
    committed: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path_factory.mktemp("repository")
    shutil.copytree(committed.root, repository / "models" / "all", ignore=shutil.ignore_patterns(".git"))
    git(repository, "init", "--quiet")
    commit(repository)
    monkeypatch.chdir(repository / "models" / "all" / "specs")
    assert models(committed, "--against", "HEAD") == {}


@pytest.mark.parametrize("below", ["", "generated"])
def test_another_folder_is_a_project_or_what_it_generated(
    compiled: Project, tmp_path_factory: pytest.TempPathFactory, below: str
) -> None:
    before = tmp_path_factory.mktemp("before")
    shutil.copytree(compiled.root / "generated", before / "generated")
    compiled.edit(*REPLICAS)
    compiled.write("specs/other.yaml", OTHER)
    assert compiled.aimass("compile").code == 0
    found = models(compiled, "--against", str(before / below))
    assert {"key": "serving.replicas.max", "before": 3, "after": 5} in found["churn"]["values"]  # type: ignore[operator]  # a list
    assert found["other"]["new"] is True


@pytest.mark.parametrize("name", ["mian", "-x", "HEAD^2", "HEAD:specs", "0" * 40, ""])
def test_a_revision_that_is_none(committed: Project, name: str) -> None:
    done = committed.aimass("plan", f"--against={name}")
    assert (done.code, done.out) == (2, "")
    assert f"error: git knows no revision `{name}` here, and there is no folder `{name}`\n" in done.err
    assert "help: fetch it first" in done.err


def test_outside_of_a_repository(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(compiled.root.parent))
    done = compiled.aimass("plan", "--against", "main")
    assert done.code == 2
    assert "error: git cannot answer: not a git repository" in done.err


def test_without_git(committed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = committed.aimass("plan", "--against", "main")
    assert done.code == 2
    assert "error: git could not be started: No such file or directory, and there is no" in done.err
    assert "help: install git, or compare with a folder\n" in done.err
    assert committed.aimass("plan", "--against", ".").code == 0


def test_a_list_of_files_that_cannot_be_read_hides_no_deletion(committed: Project) -> None:
    committed.write("generated/churn/inventory.json", "<<<<<<< ours\n")
    commit(committed.root)
    done = committed.aimass("plan", "--against", "HEAD")
    assert (done.code, done.out) == (2, "")
    assert "error: `generated/churn/inventory.json` of `HEAD` cannot be read: it is not JSON" in done.err


def test_a_spec_with_errors_is_not_compared(committed: Project) -> None:
    committed.edit("number\n", "numbr\n")
    done = committed.aimass("plan", "--against", "main")
    assert (done.code, done.out) == (1, "")
    assert "error[AM105]" in done.err
