"""Two branches change one spec, and git merges: every command knows, and compiling resolves it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.plan.git_merge import ATTRIBUTES
from cli.projects import Project

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: aimass-runtime prepare churn
  train:
    cmd: aimass-runtime train churn
    params:
      generated/churn/pipeline.json:
        training.seed: {seed}
    outs:
    - path: artifacts/churn/train/model
      md5: {md5}
"""
LOCK_FILE = "generated/churn/dvc.lock"


def git(folder: Path, *arguments: str, code: int = 0) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *names, *arguments], cwd=folder, check=False, capture_output=True)
    assert done.returncode == code, done.stderr


def commit(project: Project) -> None:
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", "Compile")


def branch(project: Project, name: str, before: str, after: str, seed: int) -> None:
    """A branch on which the spec was changed, compiled and, so it seems, run."""
    git(project.root, "checkout", "--quiet", "main", "-b", name)
    project.edit(before, after)
    assert project.aimass("compile").code == ExitCode.DONE
    project.write(LOCK_FILE, LOCK.format(seed=seed, md5=str(seed) * 32))
    commit(project)


@pytest.fixture(params=["by default", "with markers"])
def merged(request: pytest.FixtureRequest, project: Project) -> Project:
    """Two branches are being merged; git stops at what both of them generated."""
    git(project.root, "init", "--quiet", "--initial-branch", "main")
    if request.param == "with markers":  # as in a repository that has no attributes yet
        project.write("generated/.gitattributes", "")
    assert project.aimass("compile").code == ExitCode.DONE
    project.write(LOCK_FILE, LOCK.format(seed=0, md5="0" * 32))
    commit(project)
    branch(project, "a", "max_iter: 500", "max_iter: 700", 1)
    branch(project, "b", "replicas: {min: 2, max: 3}", "replicas: {min: 2, max: 4}", 2)
    git(project.root, "merge", "a", code=1)
    assert "<<<<<<<" in (project.root / "generated/churn/inventory.json").read_text()
    return project


def test_who_only_looks_is_told(merged: Project) -> None:
    checked, stale, planned = (
        merged.aimass(*words) for words in (["check"], ["compile", "--check"], ["plan"])
    )
    assert (checked.code, stale.code, planned.code) == (ExitCode.FAILED, ExitCode.STALE, ExitCode.FAILED)
    for done in (checked, planned):
        assert "AM022" in done.err
        assert "`aimass compile` resolves it" in done.err
    assert "AM033" not in checked.err + stale.err + planned.err
    assert "inventory.json  a merge left conflict markers in it" in stale.out
    status = merged.aimass("status")
    assert (status.code, "conflict markers in `generated/churn/" in status.err) == (ExitCode.FAILED, True)


def test_compiling_resolves_it(merged: Project) -> None:
    done = merged.aimass("compile")
    assert done.code == ExitCode.DONE, done.err
    assert not any(b"<<<<<<<" in content for content in merged.files().values())
    assert merged.aimass("check").code == ExitCode.DONE
    lock = yaml.safe_load((merged.root / LOCK_FILE).read_text())
    assert "prepare" in lock["stages"]
    pipeline = (merged.root / "generated/churn/pipeline.json").read_text()
    assert '"max_iter": 700' in pipeline
    assert "nothing changes" in merged.aimass("compile").out
    commit(merged)


def test_half_of_two_runs_is_never_left_in_a_lock(merged: Project) -> None:
    merged.aimass("compile")
    train = yaml.safe_load((merged.root / LOCK_FILE).read_text())["stages"].get("train")
    assert train is None or train == yaml.safe_load(LOCK.format(seed=2, md5="2" * 32))["stages"]["train"]


@pytest.fixture
def run(compiled: Project) -> Project:
    """A model that was compiled, with a lock in which a merge left one marker at the top."""
    assert compiled.aimass("compile").code == ExitCode.DONE
    compiled.write(LOCK_FILE, "<<<<<<< HEAD\n" + LOCK.format(seed=0, md5="0" * 32))
    return compiled


def test_a_lock_alone_in_conflict_is_told_and_resolved(run: Project) -> None:
    for words, code in ((["check"], 1), (["plan"], 1), (["compile", "--check"], 3)):
        done = run.aimass(*words)
        assert (done.code, "AM022" in done.err) == (code, True), words
    done = run.aimass("compile")
    assert done.code == ExitCode.DONE
    assert "a merge left conflict markers in generated/churn/dvc.lock: deleted it" in done.err
    assert "`aimass run churn`" in done.err
    assert not (run.root / LOCK_FILE).exists()
    assert run.aimass("compile", "--check").code == ExitCode.DONE


def test_a_lock_in_conflict_is_seen_however_often_nothing_else_changes(run: Project) -> None:
    run.write(LOCK_FILE, LOCK.format(seed=0, md5="0" * 32))
    assert "nothing changes" in run.aimass("compile").out
    assert "nothing changes" in run.aimass("compile").out
    run.write(LOCK_FILE, LOCK.format(seed=0, md5="0" * 32).replace("  train:\n", "<<<<<<< HEAD\n  train:\n"))
    assert "took train out of it" in run.aimass("compile").err


@pytest.mark.parametrize("words", [["check"], ["plan"], ["compile"], ["fmt"], ["fix"], ["run", "churn"]])
@pytest.mark.parametrize("file", ["specs/churn.yaml", "aimass.yaml"])
def test_a_conflict_in_what_people_write_is_theirs(project: Project, words: list[str], file: str) -> None:
    project.write("aimass.yaml", "images: {registry: registry.example.com/ml}\n")
    before = (project.root / file).read_text()
    text = f"{before}<<<<<<< HEAD\n# mine\n=======\n# theirs\n>>>>>>> other\n"
    project.write(file, text)
    done = project.aimass(*words)
    assert done.code == ExitCode.FAILED
    assert f"a merge left conflict markers in `{file}`" in done.err
    assert "keep what is right of both sides" in done.err
    assert "AM006" not in done.err
    assert (project.root / file).read_text() == text


def test_a_conflict_in_a_dvc_file_asks_which_data_is_right(compiled: Project) -> None:
    compiled.write("data/customers.csv.dvc", "outs:\n<<<<<<< HEAD\n- md5: a\n=======\n- md5: b\n>>>>>>> a\n")
    compiled.write(".dvc/config", "")
    for words in (["check"], ["plan"], ["compile", "--check"], ["run", "churn"]):
        done = compiled.aimass(*words)
        assert done.code in (ExitCode.FAILED, ExitCode.STALE), words
        assert "conflict markers in `data/customers.csv.dvc`" in done.err
        assert "`git checkout --ours data/customers.csv.dvc` (or `--theirs`)" in done.err


def test_a_colleague_whose_git_writes_other_line_ends(project: Project, tmp_path: Path) -> None:
    git(project.root, "init", "--quiet")
    assert project.aimass("compile").code == ExitCode.DONE
    assert (project.root / "generated/.gitattributes").read_bytes() == ATTRIBUTES
    commit(project)
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", ".", "with")
    (project.root / "generated/.gitattributes").unlink()
    commit(project)
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", ".", "without")
    assert b"\r" not in (tmp_path / "with/generated/churn/dvc.yaml").read_bytes()
    assert b"\r" in (tmp_path / "without/generated/churn/dvc.yaml").read_bytes()
    for clone in ("with", "without"):
        done = project.aimass("compile", "--check", "--root", str(tmp_path / clone))
        assert (done.code, done.err) == (ExitCode.DONE, ""), clone


def test_of_other_line_ends_only_a_real_edit_is_one(compiled: Project) -> None:
    for path in (compiled.root / "generated").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    edited = compiled.root / "generated/churn/dvc.yaml"
    edited.write_bytes(edited.read_bytes() + b"# mine\r\n")
    done = compiled.aimass("compile", "--no-cache")
    assert [line for line in done.err.splitlines() if "AM033" in line] == [
        "error[AM033]: `generated/churn/dvc.yaml` was edited by hand"
    ]
    edited.write_bytes(edited.read_bytes().removesuffix(b"# mine\r\n"))
    compiled.edit("max_iter: 500", "max_iter: 600")
    assert compiled.aimass("compile", "--no-cache").code == ExitCode.DONE
    assert b"600" in (compiled.root / "generated/churn/pipeline.json").read_bytes()
