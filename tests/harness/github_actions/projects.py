"""A project with the compiler's sources, its compiled workflows and few specs, in its own remote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.github_actions.hub import PLAIN, Event, Hub, PullRequest, git
from tests.harness.github_actions.jobs import Job, Machine
from tests.harness.github_actions.workflows import run
from tests.harness.github_service import GithubService

ROOT = Path(__file__).parents[3]
#: What the workflows use of the repository, beside its specs.
_SHIPPED = ("aimass_compiler", "data", "requirements", "pyproject.toml", "README.md", ".gitignore")
_STAND_INS = Path(__file__).parent / "stand_ins"
#: Programs that every runner of GitHub has, in the system's own folders.
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
#: Jobs of the check that need schemas or programs from elsewhere.
_ELSEWHERE = ("manifests", "alerts")
#: How these projects ask for workflows.
CI = {"github": {"compiler": {"source": "."}, "training": {"prepare": "data/prepare.py"}}}


@dataclass
class Project:
    """A clone on somebody's machine, and the hub where its changes go."""

    clone: Path
    hub: Hub
    machine: Machine
    github: GithubService
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.clone.parent

    @property
    def variables(self) -> dict[str, str]:
        """What the person has in the environment: our code, the machine's programs and a token of GitHub."""
        path = os.pathsep.join([self.machine.path, os.environ["PATH"]])
        return {"PYTHONPATH": str(self.clone), "PATH": path, **self.github.variables, **self.machine.services}

    def aimass(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Our command line with this checkout's own code."""
        program = "import sys; from aimass_compiler.cli import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", program, *words],
            cwd=self.clone,
            env=os.environ | PLAIN | self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def compile(self) -> None:
        done = self.aimass("compile")
        assert done.returncode == 0, done.stdout + done.stderr

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace one part of a file, which must be there once."""
        text = (self.clone / path).read_text()
        assert text.count(before) == 1, f"{path}: {text.count(before)} times {before!r}"
        (self.clone / path).write_text(text.replace(before, after))

    def branch(self, name: str) -> None:
        """Begin a branch where main is."""
        git(self.clone, "fetch", "--quiet", "origin")
        git(self.clone, "switch", "--quiet", "--force-create", name, "origin/main")

    def propose(self, branch: str, *labels: str) -> PullRequest:
        """Commit everything, if there is anything, push it, and open a pull request."""
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--allow-empty", "--message", branch)
        git(self.clone, "push", "--quiet", "--force", "origin", branch)
        return self.hub.open(branch, *labels)

    def check(self, request: PullRequest) -> dict[str, Job]:
        """What the check says of a pull request."""
        return run("aimass-check.yml", self.hub.proposed(request), self.hub, self.machine, without=_ELSEWHERE)

    def train(self, event: Event) -> dict[str, Job]:
        """What training does for an event."""
        return run("aimass-train.yml", event, self.hub, self.machine)

    def deliver(self, event: Event) -> dict[str, Job]:
        """What delivery does for an event."""
        return run("aimass-deliver.yml", event, self.hub, self.machine)

    def compare(self) -> dict[str, Job]:
        """What the comparison for drift does when its time has come."""
        return run("aimass-drift.yml", self.hub.struck(), self.hub, self.machine)

    def verify(self) -> dict[str, Job]:
        """What is written down of releases when their time has come."""
        return run("aimass-verify.yml", self.hub.struck(), self.hub, self.machine)

    def opened(self) -> list[dict[str, Any]]:
        """The open pull requests of commands, as GitHub describes them."""
        return [each for each in self.github.pulls if each["state"] == "open"]

    def merge_opened(self, title: str) -> Event:
        """Merge the one open pull request with this title; the event of that push."""
        (found,) = (each for each in self.opened() if each["title"] == title)
        found["state"] = "closed"
        return self.hub.merge(self.hub.open(found["head"]))

    def comments(self) -> list[str]:
        """What stands below the pull requests."""
        return [each["body"] for each in self.github.comments]


def create(
    folder: Path,
    specs: Iterable[str],
    settings: str,
    programs: Iterable[Path] = (),
    services: Mapping[str, str] | None = None,
    github: GithubService | None = None,
) -> Project:
    """A project with these of the shipped specs, compiled and on main, and what its workflows reach.

    `programs` are the folders of those that the workflows call and that no system has.
    """
    (folder / "github").mkdir(parents=True)
    clone = folder / "clone"
    for name in _SHIPPED:
        _copy(ROOT / name, clone / name)
    (clone / "specs").mkdir()
    for name in specs:
        shutil.copy(ROOT / "specs" / f"{name}.yaml", clone / "specs")
    (clone / "aimass.yaml").write_text(settings)
    hub = Hub.create(folder / "models.git")
    path = ":".join([str(stand_ins(folder / "stand-ins")), *map(str, programs), _SYSTEM])
    variables = {"STAND_IN_GITHUB": str(folder / "github"), "STAND_IN_REMOTE": str(hub.remote)}
    known = {**variables, **(services or {})}
    project = Project(
        clone, hub, Machine(folder / "jobs", hub.remote, path, known), github or GithubService()
    )
    project.compile()
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "config", "user.name", "Anna")
    git(clone, "config", "user.email", "anna@example.com")
    git(clone, "remote", "add", "origin", str(hub.remote))
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Begin")
    git(clone, "push", "--quiet", "origin", "main")
    return project


def _copy(path: Path, to: Path) -> None:
    if path.is_file():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)
        return
    ignored = shutil.ignore_patterns("__pycache__", "*.csv", "*.parquet", "*.jsonl")
    shutil.copytree(path, to, ignore=ignored)


def stand_ins(folder: Path) -> Path:
    """A folder for the PATH."""
    folder.mkdir()
    for path in _STAND_INS.glob("[a-z]*.py"):
        program = folder / path.stem
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{path}" "$@"\n')
        program.chmod(0o755)
    return folder
