"""`aimass plan --against`: what differs from a git revision, or from another folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.version_records import recorded, released
from msgspec.structs import replace

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


def again(model: dict[str, object]) -> list[str]:
    """The stages that run again, or may."""
    stages = model["stages"]
    assert isinstance(stages, list)
    return [stage["stage"] for stage in stages if stage["state"] in ("runs", "follows")]


def test_what_a_branch_changed_is_seen_although_it_is_compiled(committed: Project) -> None:
    committed.edit(*REPLICAS)
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    assert committed.aimass("plan").out.startswith("nothing changes: ")
    assert committed.aimass("plan", "--against", "HEAD").out.startswith("nothing changes: ")
    for base in ("HEAD^1", "main~1"):
        done = committed.aimass("plan", "--against", base)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("churn is not trained again\n")
        assert "`serving.replicas.max`" not in done.out
        assert "staging and prod go from 3 to 5 replicas at most  specs/churn.yaml:25\n" in done.out
        assert "  ~ generated/churn/pipeline.json  differs from what is produced now\n" in done.out


def test_stages_that_run_again_and_the_base_are_told_to_programs(committed: Project) -> None:
    committed.edit("min: 10}", "min: 11}")
    churn = models(committed, "--against", "main")["churn"]
    assert again(churn) == ["features", "train", "evaluate", "package", "test"]
    told = committed.aimass("plan", "--against", "main", "--format", "json").out
    assert json.loads(told)["against"] == "main"
    assert json.loads(committed.aimass("plan", "--format", "json").out)["against"] is None


def test_new_and_removed_models_are_told_to_a_pull_request(committed: Project) -> None:
    released(committed.root, recorded(committed.root, "churn"), "dev", "staging", "prod")
    commit(committed.root)
    committed.write("specs/other.yaml", OTHER)
    (committed.root / "specs" / "churn.yaml").unlink()
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    assert not (committed.root / "generated" / "churn").exists()
    text = committed.aimass("plan", "--against", "HEAD~1", "--format", "markdown").out
    assert text.startswith("<!-- aimass plan -->\n## Plan against `HEAD~1`\n")
    assert "<summary><code>other</code> is renamed, 1 breaking</summary>" in text
    assert "is churn under another name, and trained again under it\n" in text
    why = "because this repository has no remote `origin`"
    assert f"what runs of churn in the namespace ml-dev is left running, {why}" in text
    git(committed.root, "remote", "add", "origin", "https://git.example.com/models.git")
    text = committed.aimass("plan", "--against", "HEAD~1", "--format", "markdown").out
    assert "-   all 9 objects of churn are deleted in staging and prod\n" in text
    assert "-   generated/churn/: access.yaml, base/, " in text
    assert "+   generated/other/: access.yaml, base/, " in text


def test_a_promotion_is_seen_in_its_pull_request(committed: Project) -> None:
    first, second = (recorded(committed.root, "churn", number) for number in (1, 2))
    released(committed.root, first, "dev", "prod")
    commit(committed.root)
    released(committed.root, second, "dev")
    text = f"churn goes from {first.name} to {second.name}"
    done = committed.aimass("plan", "--against", "HEAD")
    assert done.out.startswith(f"releases\n  ~ dev: {text}\n")
    assert "\nreleases 0 to add, 1 to change, 0 to remove\nnothing changes: " in done.out
    assert committed.aimass("plan", "--against", "HEAD", "--detailed-exitcode").code == 2
    assert not committed.aimass("plan").out.startswith("releases"), "it is about what is generated"
    (change,) = json.loads(committed.aimass("plan", "--against", "HEAD", "--format", "json").out)["releases"]
    assert (change["environment"], change["acts"], change["text"]) == (
        "dev",
        ["moved"],
        text[len("churn ") :],
    )
    shown = committed.aimass("plan", "--against", "HEAD", "--format", "markdown").out
    assert f"**Releases**\n\n```diff\n! dev: {text}\n" in shown


def test_a_release_that_breaks_callers_is_stopped_unless_they_agreed(committed: Project) -> None:
    first = recorded(committed.root, "churn", 1)
    second = recorded(committed.root, "churn", 2, contract=replace(first.contract, classes=("yes", "no")))
    released(committed.root, first, "prod")
    commit(committed.root)
    released(committed.root, second, "prod")
    gate = ("plan", "--against", "HEAD", "--fail-on", "breaking")
    stopped = committed.aimass(*gate)
    assert (stopped.code, "class-reordered" in stopped.err) == (4, True)
    assert "`break: class-reordered:yes,no`" in stopped.err
    entry = '- break: "class-reordered:yes,no"\n  reason: nobody reads the order\n'
    committed.write("accepts/churn.yaml", entry)
    accepted = committed.aimass(*gate)
    assert (accepted.code, accepted.err) == (0, "")
    assert "  breaking (accepted): the classes are" in accepted.out


def test_manifests_act_where_the_model_is_released(committed: Project) -> None:
    released(committed.root, recorded(committed.root, "churn"), "prod")
    committed.edit("limits: {timeout: 3000ms}", "limits: {timeout: 4s}")
    shown = committed.aimass("plan").out
    assert "    ~ the servers in prod are replaced in turn: other limits\n" in shown
    assert "      nothing changes in dev and staging, where churn has no release\n" in shown


def test_two_models_that_have_little_in_common_are_no_rename(committed: Project) -> None:
    other = OTHER[: OTHER.index("features:")] + "model: {xgboost: {max_depth: 3}}\n"
    other = other.replace("customers", "orders").replace("charges", "amount").replace("age", "items")
    committed.write("specs/other.yaml", other)
    (committed.root / "specs" / "churn.yaml").unlink()
    found = models(committed, "--against", "HEAD")
    assert (found["churn"]["removed"], found["other"]["new"]) == (True, True)
    assert found["other"]["renamed_from"] is None


def test_a_named_spec_is_compared_alone(committed: Project) -> None:
    committed.write("specs/other.yaml", OTHER)
    committed.edit(*REPLICAS)
    assert list(models(committed, "churn", "--against", "main")) == ["churn"]


def test_the_difference_is_shown_line_by_line(committed: Project) -> None:
    committed.edit(*REPLICAS)
    assert committed.aimass("compile").code == 0
    shown = committed.aimass("plan", "--against", "main", "--diff").out
    assert "--- a/generated/churn/pipeline.json\n+++ b/generated/churn/pipeline.json\n" in shown


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


def test_where_a_revision_keeps_no_generated_files_its_specs_are_compiled(project: Project) -> None:
    git(project.root, "init", "--quiet")
    commit(project.root)
    assert models(project, "--against", "HEAD") == {}
    project.edit(*REPLICAS)
    project.write("specs/other.yaml", OTHER)
    found = models(project, "--against", "HEAD")
    assert [value["key"] for value in found["churn"]["values"]] == ["serving.replicas.max"]  # type: ignore[attr-defined]  # a list
    assert found["other"]["new"] is True
    assert not (project.root / "generated").exists()


def test_where_a_revision_has_specs_with_errors_these_are_told(project: Project) -> None:
    git(project.root, "init", "--quiet")
    project.edit("max: 3}", "max: 0}")
    commit(project.root)
    project.edit("max: 0}", "max: 3}")
    done = project.aimass("plan", "--against", "HEAD")
    assert (done.code, done.out) == (2, "")
    assert "error: `HEAD` has no generated files, and its specs do not compile: `max` must be" in done.err


def test_before_there_was_a_spec_everything_is_new(project: Project) -> None:
    git(project.root, "init", "--quiet")
    project.write("README.md", "models\n")
    git(project.root, "add", "README.md")
    git(project.root, "commit", "--quiet", "--message", "Begin")
    assert models(project, "--against", "HEAD")["churn"]["new"] is True


def test_where_a_branch_left_main_and_no_later(committed: Project) -> None:
    git(committed.root, "switch", "--quiet", "--create", "mine")
    committed.edit(*REPLICAS)
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    git(committed.root, "switch", "--quiet", "main")
    committed.write("specs/other.yaml", OTHER)
    assert committed.aimass("compile").code == 0
    commit(committed.root)
    git(committed.root, "switch", "--quiet", "mine")
    assert list(models(committed, "--against", "main...")) == ["churn"]
    assert list(models(committed, "--against", "main")) == ["churn", "other"]


def test_a_clone_without_the_history_says_so(
    committed: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for limit in ("2", "3"):
        committed.edit(
            "max: 3}" if limit == "2" else "timeout: 3000ms", "max: 5}" if limit == "2" else "timeout: 4s"
        )
        assert committed.aimass("compile").code == 0
        commit(committed.root)
        git(committed.root, "switch", "--quiet", "--create", f"branch-{limit}")
    git(committed.root, "switch", "--quiet", "main")
    clone = tmp_path_factory.mktemp("clone")
    source = committed.root.as_uri()
    git(
        clone,
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--no-single-branch",
        "--branch",
        "branch-3",
        source,
        "here",
    )
    done = committed.aimass("plan", "--root", str(clone / "here"), "--against", "origin/main...")
    assert done.code == 2
    assert "git knows no commit that `origin/main` and HEAD have in common" in done.err
    assert "help: fetch more of the history: `git fetch --unshallow`" in done.err
    done = committed.aimass("plan", "--root", str(clone / "here"), "--against", "HEAD~1")
    assert "error: git knows no revision `HEAD~1` here" in done.err
    assert "a clone that CI made may hold the newest commit only" in done.err


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
    values = found["churn"]["values"]
    assert isinstance(values, list)
    told = {value["key"]: (value["before"], value["after"], value["environments"]) for value in values}
    assert told == {"serving.replicas.max": (3, 5, ["staging", "prod"])}
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
    assert "error: `generated/churn/inventory.json` of `HEAD` cannot be read: a merge left" in done.err


def test_a_spec_with_errors_is_not_compared(committed: Project) -> None:
    committed.edit("number\n", "numbr\n")
    done = committed.aimass("plan", "--against", "main")
    assert (done.code, done.out) == (1, "")
    assert "error[AM105]" in done.err
