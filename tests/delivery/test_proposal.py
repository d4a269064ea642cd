"""A pull request holds the change and nothing else, and the working tree stays as it is."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.cli.commands import rollback
from aimass_compiler.delivery.proposal import RepositoryChange, propose
from aimass_compiler.exit_codes import ExitCode
from delivery.deliveries import digest, version

if TYPE_CHECKING:
    from pathlib import Path

    from delivery.deliveries import Repository

NOW = datetime(2026, 11, 5, tzinfo=UTC)
DEV = "releases/dev/churn/kustomization.yaml"
#: Answers like `gh`: keeps what it is called with, and knows a pull request once it made one.
GH = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$GH_CALLS"
case "$1 $2" in
  'pr list') cat "$GH_CALLS.made" 2>/dev/null || echo '[]' ;;
  'pr create') [ -n "$GH_REFUSES" ] && { echo "GraphQL: $GH_REFUSES" >&2; exit 1; }
    printf '[{"headRefName": "%s", "url": "%s"}]' "$4" https://github.com/acme/models/pull/7 \\
      >"$GH_CALLS.made" ;;
esac
exit 0
"""


@pytest.fixture
def remote(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository that is the remote, and a `gh`."""
    folder = repository.root.parent
    bare = folder / "remote.git"
    repository.git("init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    repository.git("remote", "add", "origin", str(bare))
    repository.git("push", "--quiet", "--set-upstream", "origin", "main")
    repository.git("remote", "set-head", "origin", "main")
    (folder / "bin").mkdir()
    (folder / "bin/gh").write_text(GH)
    (folder / "bin/gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_CALLS", str(folder / "calls"))
    return bare


def branches(repository: Repository) -> list[str]:
    return repository.git("for-each-ref", "--format=%(refname:short)", "refs/heads/aimass").split()


def calls(remote: Path) -> str:
    return (remote.parent / "calls").read_text()


def test_the_change_is_one_commit_on_main_of_the_remote(repository: Repository, remote: Path) -> None:
    main = repository.git("rev-parse", "main")
    repository.write("notes.txt", "half done")
    repository.write("aimass.yaml", repository.read("aimass.yaml") + "# half done\n")
    before = repository.git("status", "--porcelain")
    answer = repository.aimass("promote", "churn", "--to", "dev", "--pull-request")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("opened https://github.com/acme/models/pull/7\n")
    assert repository.git("status", "--porcelain") == before
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"
    assert repository.git("worktree", "list").count("\n") == 0

    (branch,) = branches(repository)
    assert branch.startswith("aimass/promote-churn-dev-v3-00000003-")
    pushed = repository.git("--git-dir", str(remote), "rev-parse", branch)
    assert repository.git("rev-list", "--parents", "-1", pushed) == f"{pushed} {main}"
    assert repository.git("diff", "--name-only", main, pushed) == DEV
    assert digest(3) in repository.git("show", f"{pushed}:{DEV}")
    assert repository.git("show", "--no-patch", "--format=%s", pushed) == "dev: release churn v3"
    assert "test roc_auc 0.803" in calls(remote)


def test_commits_of_a_branch_that_is_worked_on_are_left_out(repository: Repository, remote: Path) -> None:
    main = repository.git("rev-parse", "main")
    repository.git("switch", "--quiet", "--create", "experiment")
    repository.write("specs/other.yaml", "")
    repository.commit("2026-11-02T00:00:00Z")
    assert repository.aimass("promote", "churn", "--to", "dev", "--pull-request").code == 0
    (branch,) = branches(repository)
    assert repository.git("diff", "--name-only", main, branch) == DEV


def test_the_same_change_again_is_the_same_pull_request(repository: Repository, remote: Path) -> None:
    for _ in range(2):
        assert repository.aimass("promote", "churn", "--to", "dev", "--pull-request").code == 0
    assert len(branches(repository)) == 1
    assert calls(remote).count("pr create") == 1


def test_it_is_also_when_it_is_proposed_later_on_a_newer_commit(
    repository: Repository, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rejection says when; and what looks by the clock meets a main branch that went on."""
    for day, number in ((2, 2), (3, 3)):
        repository.release("dev", number, f"2026-11-{day:02}T00:00:00Z")
    for second in (1, 2):
        repository.write("notes.txt", f"{second}")
        repository.commit(f"2026-11-04T00:00:0{second}Z")
        repository.git("push", "--quiet")
        monkeypatch.setattr(
            rollback, "datetime", SimpleNamespace(now=lambda _, at=second: NOW.replace(second=at))
        )
        arguments = ("rollback", "churn", "--env", "dev", "--reject", "bad", "--pull-request")
        assert repository.aimass(*arguments).code == 0
    assert len(branches(repository)) == 1
    assert calls(remote).count("pr create") == 1


def test_what_another_clone_pushed_without_a_pull_request_gets_one(
    repository: Repository, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = RepositoryChange(topic="topic", title="Title", files={DEV: b"same"})
    for name, refusal in (("first", "not yet"), ("second", "")):
        folder = remote.parent / name
        repository.git("clone", "--quiet", str(remote), str(folder))
        repository.git("-C", str(folder), "config", "user.name", name)
        repository.git("-C", str(folder), "config", "user.email", f"{name}@example.com")
        monkeypatch.setenv("GH_REFUSES", refusal)
        done = propose(folder, change)
        assert (bool(done.url), refusal in done.reason) == (not refusal, True)
    assert done.reason == ""


def test_a_version_that_may_not_be_released_is_kept_by_its_record(
    repository: Repository, remote: Path
) -> None:
    repository.release("dev", 3)
    hold = ("hold", "churn", "--env", "dev", "--reason", "audit")
    assert repository.aimass(*hold).code == 0
    repository.commit("2026-11-02T00:00:00Z")
    repository.git("push", "--quiet")
    repository.record(version(4))
    asked = ("promote", "churn", "--to", "dev", "--pull-request")
    assert repository.aimass(*asked).code == ExitCode.NOT_PROMOTABLE
    kept = repository.aimass(*asked, "--or-record")
    assert (kept.code, "dev is held by" in kept.err) == (0, True)
    (branch,) = branches(repository)
    record = f"versions/churn/{version(4).name}.json"
    assert repository.git("diff", "--name-only", "main", branch) == record
    assert repository.git("show", "--no-patch", "--format=%s", branch) == "churn: record v4"
    assert "not allowed: dev is held by" in repository.git("show", "--no-patch", "--format=%b", branch)
    repository.commit("2026-11-03T00:00:00Z")
    assert repository.aimass(*asked, "--or-record").code == ExitCode.NOT_PROMOTABLE


def test_a_rollback_with_a_rejection_is_one_commit(repository: Repository, remote: Path) -> None:
    for day, number in ((2, 2), (3, 3)):
        repository.release("dev", number, f"2026-11-{day:02}T00:00:00Z")
    repository.git("push", "--quiet")
    arguments = ("rollback", "churn", "--env", "dev", "--reject", "bad", "--pull-request")
    assert repository.aimass(*arguments).code == 0
    (branch,) = branches(repository)
    assert repository.git("diff", "--name-only", "main", branch).split() == [
        DEV,
        "versions/churn/v3-00000003.rejected.json",
    ]


def test_a_file_that_is_deleted_is_deleted(repository: Repository, remote: Path) -> None:
    repository.aimass("reject", "churn", "--version", "v3", "--reason", "bad")
    repository.commit("2026-11-02T00:00:00Z")
    repository.git("push", "--quiet")
    assert repository.aimass("reject", "churn", "--version", "v3", "--undo", "--pull-request").code == 0
    (branch,) = branches(repository)
    assert repository.git("diff", "--name-status", "main", branch) == (
        "D\tversions/churn/v3-00000003.rejected.json"
    )


def test_what_github_refuses_is_said_with_the_commands_that_remain(
    repository: Repository, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_REFUSES", "Resource not accessible by integration")
    answer = repository.aimass("promote", "churn", "--to", "dev", "--pull-request")
    (branch,) = branches(repository)
    assert answer.code == 1
    assert "`gh pr create` refuses: GraphQL: Resource not accessible by integration" in answer.err
    assert f"  gh pr create --head {branch} --title 'dev: release churn v3' --body" in answer.err


def test_without_a_remote_the_commit_is_there_all_the_same(repository: Repository) -> None:
    answer = repository.aimass("promote", "churn", "--to", "dev", "--pull-request")
    (branch,) = branches(repository)
    assert answer.code == 1
    assert f"the commit is on the branch {branch}, but the repository has no remote `origin`" in answer.err
    assert f"  git push origin refs/heads/{branch}:refs/heads/{branch}" in answer.err


def test_a_project_in_a_folder_of_its_repository_is_changed_there(
    repository: Repository, remote: Path
) -> None:
    repository.git("rm", "--quiet", "-r", "--cached", ".")
    repository.write("models/aimass.yaml", repository.read("aimass.yaml"))
    for path in ("versions", "generated", "specs"):
        (repository.root / path).rename(repository.root / "models" / path)
    repository.commit("2026-11-02T00:00:00Z")
    repository.git("push", "--quiet")
    repository.root = repository.root / "models"
    assert repository.aimass("promote", "churn", "--to", "dev", "--pull-request").code == 0
    (branch,) = branches(repository)
    assert repository.git("diff", "--name-only", "main", branch) == f"models/{DEV}"


def test_what_stays_is_in_the_request_of_its_own_branch(repository: Repository, remote: Path) -> None:
    other = '[{"headRefName": "aimass/candidate-churn-eu", "url": "https://github.com/acme/models/pull/3"}]'
    (remote.parent / "calls.made").write_text(other)
    for number in (1, 2):
        change = RepositoryChange(
            topic="candidate-churn", title=f"v{number}", stays=True, files={DEV: b"same"}
        )
        done = propose(repository.root, change)
        assert done.url == "https://github.com/acme/models/pull/7"
    made = [line.split()[:4] for line in calls(remote).splitlines() if not line.startswith("pr list")]
    assert made == [["pr", "create", "--head", done.branch], ["pr", "edit", done.branch, "--title"]]
    of_team = RepositoryChange(topic="candidate-eu/churn", title="v1", stays=True, files={DEV: b"same"})
    assert propose(repository.root, of_team).branch == "aimass/candidate-eu.churn"
