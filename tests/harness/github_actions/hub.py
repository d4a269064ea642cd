"""What GitHub holds for a project: a bare remote, pull requests with their merge refs, variables, secrets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Whose settings of git are nobody's: neither this machine's nor this user's.
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_PERSON = ("-c", "user.name=Anna", "-c", "user.email=anna@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """What git answers in a folder; a failure ends the test with what git said."""
    command = ["git", *_PERSON, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | PLAIN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Place:
    """What a GitHub environment holds for the jobs that name it."""

    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Why a workflow runs: what its context `github` says, beside what is the same for all."""

    name: str
    ref: str
    sha: str
    payload: Mapping[str, Any]
    changed: tuple[str, ...] = ()
    """The paths that a push changed."""


@dataclass(frozen=True)
class PullRequest:
    """An open pull request: what is asked for, and where it is to go."""

    number: int
    branch: str
    head: str
    base: str
    labels: tuple[str, ...] = ()


@dataclass
class Hub:
    """A remote and its settings."""

    remote: Path
    variables: dict[str, str] = field(default_factory=dict)
    """Of the repository, for every job."""
    places: dict[str, Place] = field(default_factory=dict)
    opened: int = 0

    @classmethod
    def create(cls, folder: Path) -> Hub:
        """An empty one."""
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
        return cls(folder)

    def revision(self, name: str) -> str:
        return git(self.remote, "rev-parse", name)

    def open(self, branch: str, *labels: str) -> PullRequest:
        """A pull request for a branch that was pushed."""
        self.opened += 1
        return PullRequest(self.opened, branch, self.revision(branch), self.revision("main"), labels)

    def merged(self, request: PullRequest) -> str:
        """The merge of a pull request as GitHub tests it: first parent the base, second the head."""
        base, head = self.revision("main"), self.revision(request.branch)
        tree = git(self.remote, "merge-tree", "--write-tree", base, head)
        message = f"Merge pull request #{request.number} from {request.branch}"
        commit = git(self.remote, "commit-tree", tree, "-p", base, "-p", head, "-m", message)
        git(self.remote, "update-ref", f"refs/pull/{request.number}/merge", commit)
        return commit

    def proposed(self, request: PullRequest) -> Event:
        """The event of a pull request that was opened or that somebody pushed to."""
        commit = self.merged(request)
        described = {
            "number": request.number,
            "labels": [{"name": label} for label in request.labels],
            "base": {"sha": request.base, "ref": "main"},
            "head": {"sha": request.head, "ref": request.branch},
        }
        payload = {"pull_request": described, "number": request.number}
        return Event("pull_request", f"refs/pull/{request.number}/merge", commit, payload)

    def merge(self, request: PullRequest) -> Event:
        """Bring a pull request to main; the event of that push."""
        before = self.revision("main")
        after = self.merged(request)
        git(self.remote, "update-ref", "refs/heads/main", after, before)
        changed = git(self.remote, "diff", "--name-only", before, after).splitlines()
        return Event("push", "refs/heads/main", after, {"before": before, "after": after}, tuple(changed))

    def struck(self) -> Event:
        """The event of a schedule."""
        return Event("schedule", "refs/heads/main", self.revision("main"), {"schedule": "17 5 * * *"})

    def started(self, **inputs: str) -> Event:
        """The event of a person who starts a workflow by hand on main."""
        return Event("workflow_dispatch", "refs/heads/main", self.revision("main"), {"inputs": inputs})
