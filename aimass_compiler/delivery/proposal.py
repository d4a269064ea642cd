"""A change of a few files as a pull request: a branch, one commit, a push and `gh pr create`.

The working tree stays as it is, whatever is being edited in it: the commit is made in a worktree of its own
without files, on top of what the remote's main branch and HEAD have in common.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from aimass_compiler.programs.program import call

_SECONDS = 120
_REMOTE = "origin"
_BRANCH_HASH = 8
#: So many open pull requests are looked at for one that proposes the same already.
_LOOKED_AT = 1000


class RepositoryChange(Struct, frozen=True, kw_only=True):
    """Files with their new content, and what is said of them."""

    topic: str
    """What the branch is called, such as `promote-churn-prod-v18`."""
    title: str
    body: str = ""
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    """By path below the project's root; None deletes one."""
    stays: bool = False
    """Whether a later change of the topic takes the place of this one, in the same pull request."""
    dated: frozenset[str] = frozenset()
    """Of these paths, those whose content says when: proposed again later, it is still the same change."""


class Proposed(Struct, frozen=True):
    """What became of it."""

    branch: str
    url: str = ""
    """Of the pull request; empty where there is none yet."""
    reason: str = ""
    """Why there is none."""
    remaining: tuple[str, ...] = ()
    """The commands that do the rest."""


class ProposalFailed(Exception):  # noqa: N818  # it reads as what is the case
    """There is not even a commit; the message says why."""


def propose(root: Path, change: RepositoryChange, *, merges: bool = False) -> Proposed:  # noqa: PLR0911  # one for each refusal
    """Commit the change on a branch of its own, push it and open a pull request. Raises ProposalFailed.

    A change that an open pull request proposes, on whatever commit, is not proposed again. With `merges`, it
    is merged once its checks have passed. Where the remote or `gh` is missing or refuses, the commit is there
    all the same.
    """
    base = _base(root)
    if change.stays:
        return _renewed(root, base, change, merges=merges)
    about = f"aimass/{change.topic.replace('/', '-')}-{_hash_of(change)}-"
    branch, url = _open_request(root, about)
    if url:
        return _merging(root, Proposed(branch, url)) if merges else Proposed(branch, url)
    branch = f"{about}{base[:_BRANCH_HASH]}"
    is_pushed = _is_pushed(root, branch)
    if not is_pushed:
        _commit(root, base, branch, change)
    push = ["git", "push", _REMOTE, f"refs/heads/{branch}:refs/heads/{branch}"]
    create = ["gh", "pr", "create", "--head", branch, "--title", change.title, "--body", change.body]
    commands = [push, create, *([_merge_of(branch)] if merges else [])]
    if not _git(root, "remote", "get-url", _REMOTE, may_fail=True):
        return _unfinished(branch, f"the repository has no remote `{_REMOTE}`", commands)
    if not is_pushed and (reason := _refusal(root, push)):
        return _unfinished(branch, reason, commands)
    if shutil.which("gh") is None:
        return _unfinished(branch, "GitHub's `gh` is not installed", commands[1:])
    if reason := _refusal(root, create):
        return _unfinished(branch, reason, commands[1:])
    opened = Proposed(branch, _open_request(root, about)[1])
    return _merging(root, opened) if merges else opened


def _renewed(root: Path, base: str, change: RepositoryChange, *, merges: bool) -> Proposed:
    """The one pull request of a topic, with this change in the place of what it proposed before."""
    # No name has a dot, so that `growth/churn` and `growth-churn` have a branch each.
    branch = f"aimass/{change.topic.replace('/', '.')}"
    _git(root, "branch", "--force", branch, base)
    _git(root, "branch", "--delete", "--force", branch)
    _commit(root, base, branch, change)
    push = ["git", "push", "--force", _REMOTE, f"refs/heads/{branch}:refs/heads/{branch}"]
    url = _request_of(root, branch)
    told = ["--title", change.title, "--body", change.body]
    request = ["gh", "pr", "edit", branch, *told] if url else ["gh", "pr", "create", "--head", branch, *told]
    if not _git(root, "remote", "get-url", _REMOTE, may_fail=True):
        return _unfinished(branch, f"the repository has no remote `{_REMOTE}`", [push, request])
    if reason := _refusal(root, push):
        return _unfinished(branch, reason, [push, request])
    if shutil.which("gh") is None:
        return _unfinished(branch, "GitHub's `gh` is not installed", [request])
    if reason := _refusal(root, request):
        return _unfinished(branch, reason, [request])
    opened = Proposed(branch, url or _request_of(root, branch))
    return _merging(root, opened) if merges else opened


def _is_pushed(root: Path, branch: str) -> bool:
    """Whether the remote has the branch, be it from another clone, whose commit has another date."""
    return bool(_git(root, "ls-remote", "--heads", _REMOTE, f"refs/heads/{branch}", may_fail=True))


def _merge_of(branch: str) -> list[str]:
    return ["gh", "pr", "merge", branch, "--auto", "--merge"]


def _merging(root: Path, opened: Proposed) -> Proposed:
    """Have a pull request merged once its checks have passed."""
    merge = _merge_of(opened.branch)
    reason = _refusal(root, merge)
    return Proposed(opened.branch, opened.url, reason, (shlex.join(merge),)) if reason else opened


def _unfinished(branch: str, reason: str, commands: Sequence[Sequence[str]]) -> Proposed:
    return Proposed(branch, "", reason, tuple(map(shlex.join, commands)))


def _base(root: Path) -> str:
    """What the change is based on: where HEAD left the remote's main branch, or else HEAD."""
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True)
    if not head:
        raise ProposalFailed("there is no repository, or it has no commit yet, to propose a change to")
    main = _git(root, "rev-parse", "--verify", "--quiet", f"refs/remotes/{_REMOTE}/HEAD", may_fail=True)
    return (main and _git(root, "merge-base", main, "HEAD", may_fail=True)) or head


def _hash_of(change: RepositoryChange) -> str:
    """A short name for what a change makes of its files, whenever that is."""
    hashed = hashlib.sha256()
    for path, content in sorted(change.files.items()):
        told = b"" if path in change.dated else content
        hashed.update(b"\0".join((path.encode(), b"-" if told is None else b"+" + told, b"")))
    return hashed.hexdigest()[:_BRANCH_HASH]


def _commit(root: Path, base: str, branch: str, change: RepositoryChange) -> None:
    """One commit on a new branch, if there is none; the checks of its pull request replace local hooks."""
    if _git(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", may_fail=True):
        return
    prefix = _git(root, "rev-parse", "--show-prefix").strip()
    with _worktree(root, base) as there:
        for path, content in change.files.items():
            target = there / prefix / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                _git(there, "rm", "--quiet", "--cached", "--ignore-unmatch", "--", f"{prefix}{path}")
            else:
                target.write_bytes(content)
                _git(there, "add", "--force", "--", f"{prefix}{path}")
        message = [part for part in (change.title, change.body) if part]
        written = [option for part in message for option in ("--message", part)]
        _git(there, "commit", "--quiet", "--no-verify", *written)
        _git(there, "branch", "--no-track", branch, "HEAD")


@contextmanager
def _worktree(root: Path, base: str) -> Iterator[Path]:
    """A worktree of a commit whose index is full and whose folder is empty, as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="aimass-proposal-") as folder:
        there = Path(folder).resolve() / "tree"
        _git(root, "worktree", "add", "--quiet", "--detach", "--no-checkout", str(there), base)
        try:
            _git(there, "read-tree", "HEAD")
            yield there
        finally:
            _git(root, "worktree", "remove", "--force", str(there), may_fail=True)


def _open_request(root: Path, about: str) -> tuple[str, str]:
    """The branch and address of an open pull request whose branch begins so; empty where none is known."""
    return next((each for each in _open_requests(root) if each[0].startswith(about)), ("", ""))


def _request_of(root: Path, branch: str) -> str:
    """The address of the open pull request of exactly this branch; empty where none is known."""
    return next((url for name, url in _open_requests(root) if name == branch), "")


def _open_requests(root: Path) -> list[tuple[str, str]]:
    """The branches and addresses of those that are known."""
    if shutil.which("gh") is None:
        return []
    listed = ["gh", "pr", "list", "--state", "open", "--limit", str(_LOOKED_AT), "--json", "headRefName,url"]
    done = _run(root, listed)
    try:
        found = json.loads(done.stdout) if done.returncode == 0 else []
        return [(each["headRefName"], each["url"]) for each in found]
    except (ValueError, LookupError, TypeError):
        return []


def _refusal(root: Path, command: Sequence[str]) -> str:
    """What a command complains of; empty where it does what it should."""
    done = _run(root, command)
    if done.returncode == 0:
        return ""
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return f"`{' '.join(command[:3])}` refuses: {lines[-1] if lines else f'exit code {done.returncode}'}"


def _git(root: Path, *arguments: str, may_fail: bool = False) -> str:
    """What git answers; with `may_fail`, nothing where it refuses. Raises ProposalFailed."""
    done = _run(root, ["git", *arguments])
    if done.returncode == 0:
        return done.stdout.strip()
    if may_fail:
        return ""
    raise ProposalFailed(f"git cannot commit the change: {done.stderr.strip() or done.stdout.strip()}")


def _run(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return call(command, seconds=_SECONDS, folder=root)
    except subprocess.TimeoutExpired:
        raise ProposalFailed(f"`{' '.join(command[:3])}` did not answer within {_SECONDS} s") from None
    except OSError as error:
        raise ProposalFailed(f"{command[0]} could not be started: {error.strerror}") from None
