"""What was tried of each model when there was a reason to train it again: a ledger in git.

It is the one file of the commit at `refs/aimass/candidates/MODEL`, of the remote where there is one. So every
clone and every workflow knows of all candidates, also of those that failed and left no version, and no branch
has them. Who writes at the same time as another one is refused, and reads again.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from aimass_compiler.programs.program import call

Outcome = Literal["passed", "unpublished", "failed", "same", "resumed"]
_REF = "refs/aimass/candidates/{model}"
_FILE = "ledger.json"
_REMOTE = "origin"
_SECONDS = 120
#: So many are kept; those of a month count.
_KEPT = 200


class TriedCandidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One candidate, or that a person lets it go on."""

    time: str
    """When it ended, in ISO 8601 and UTC."""
    outcome: Outcome
    """`unpublished` where it is good, but was not proposed, as a push or a request failed; `same` where there
    was nothing new to learn from; `resumed` where a person lets it go on."""
    causes: tuple[str, ...] = ()
    recipe: str = ""
    """A digest of what decides which model comes out of training."""
    reason: str = ""
    """Why it failed, or was not published."""
    evidence: tuple[str, ...] = ()
    """What is known of why, a line each."""
    seconds: float = 0.0
    cost: float = 0.0
    data: dict[str, str] = field(default_factory=dict)
    """A digest of what each source elsewhere had then."""
    rows: str = ""
    """A digest of all rows that it learned from; nothing where that cannot be known without reading them."""
    run: str = ""
    """The address of the workflow's run."""


class LedgerFailed(Exception):  # noqa: N818  # it reads as what is the case
    """The ledger cannot be read or written; the message says why."""


def read(root: Path, model: str) -> list[TriedCandidate]:
    """Everything that was tried of a model, the first first. Raises LedgerFailed."""
    ref = _REF.format(model=model)
    if _has_remote(root):
        listed = _git(root, "ls-remote", _REMOTE, ref)
        if listed:
            _git(root, "fetch", "--quiet", "--no-tags", _REMOTE, f"+{ref}:{ref}")
        elif _known(root, ref):  # what only this clone has was never tried elsewhere
            _git(root, "update-ref", "-d", ref)
    if not _known(root, ref):
        return []
    try:
        return msgspec.json.decode(_git(root, "show", f"{ref}:{_FILE}").encode(), type=list[TriedCandidate])
    except msgspec.MsgspecError as error:
        raise LedgerFailed(f"{ref} is damaged: {error}") from None


def is_unpublished(root: Path, model: str) -> bool:
    """Whether the last candidate is still to be published or proposed. Raises LedgerFailed."""
    attempts = read(root, model)
    return bool(attempts) and attempts[-1].outcome == "unpublished"


def append(root: Path, model: str, attempt: TriedCandidate) -> None:
    """Write one more down, for all clones. Raises LedgerFailed."""
    ref = _REF.format(model=model)
    attempts = [*read(root, model), attempt][-_KEPT:]
    content = msgspec.json.format(msgspec.json.encode(attempts), indent=1).decode()
    blob = _git(root, "hash-object", "-w", "--stdin", written=content)
    tree = _git(root, "mktree", written=f"100644 blob {blob}\t{_FILE}\n")
    old = _known(root, ref)
    parents = ["-p", old] if old else []
    commit = _git(root, "commit-tree", tree, *parents, "-m", f"{model}: a candidate {attempt.outcome}")
    _git(root, "update-ref", ref, commit)
    if _has_remote(root):
        _git(root, "push", "--quiet", f"--force-with-lease={ref}:{old}", _REMOTE, f"{ref}:{ref}")


def _has_remote(root: Path) -> bool:
    return bool(_git(root, "remote", "get-url", _REMOTE, may_fail=True))


def _known(root: Path, ref: str) -> str:
    """The commit that a ref of this clone names; nothing where there is none."""
    return _git(root, "rev-parse", "--verify", "--quiet", ref, may_fail=True)


def _git(root: Path, *arguments: str, may_fail: bool = False, written: str | None = None) -> str:
    try:
        done = call(["git", *arguments], seconds=_SECONDS, folder=root, written=written)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LedgerFailed(f"git could not be asked: {error}") from None
    if done.returncode and not may_fail:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise LedgerFailed(f"`git {arguments[0]}` refuses: {lines[-1] if lines else done.returncode}")
    return done.stdout.strip() if done.returncode == 0 else ""
