"""A project as it is shipped, in a remote of its own: the compiler, the workflows, and few specs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loop.hub import PLAIN, Event, Hub, PullRequest, git
from loop.jobs import Job, Machine
from loop.workflows import run

ROOT = Path(__file__).parents[2]
#: What the workflows use of the repository, beside its specs.
_SHIPPED = (".github", "aimass_compiler", "data", "requirements", "pyproject.toml", "README.md", ".gitignore")
_STAND_INS = Path(__file__).parent / "stand_ins"
#: Programs that every runner of GitHub has, in the system's own folders.
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
#: Jobs of check.yml that need schemas or programs from elsewhere.
_ELSEWHERE = ("manifests", "alerts")


@dataclass
class Project:
    """A clone on somebody's machine, and the hub where its changes go."""

    clone: Path
    hub: Hub
    machine: Machine
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.clone.parent

    def aimass(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Our command line with this checkout's own code."""
        program = "import sys; from aimass_compiler.cli import main; sys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", program, *words],
            cwd=self.clone,
            env=os.environ | PLAIN | {"PYTHONPATH": str(self.clone)},
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
        """What check.yml says of a pull request."""
        return run("check.yml", self.hub.proposed(request), self.hub, self.machine, without=_ELSEWHERE)

    def apply(self, event: Event) -> dict[str, Job]:
        """What apply.yml does for an event."""
        return run("apply.yml", event, self.hub, self.machine)

    def look(self) -> dict[str, Job]:
        """What drift.yml does when its time has come."""
        return run("drift.yml", self.hub.struck(), self.hub, self.machine)

    def issues(self) -> list[dict[str, Any]]:
        """Every issue, with its title, body and state."""
        path = self.folder / "github" / "issues.json"
        found: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
        return found

    def comments(self) -> list[str]:
        """What stands below the pull requests."""
        path = self.folder / "github" / "comments.json"
        return [each["body"] for each in json.loads(path.read_text())] if path.exists() else []


def create(
    folder: Path,
    specs: Iterable[str],
    settings: str,
    programs: Iterable[Path] = (),
    services: Mapping[str, str] | None = None,
) -> Project:
    """A project with these of the shipped specs, compiled and on main.

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
    path = ":".join([str(_stand_ins(folder / "stand-ins")), *map(str, programs), _SYSTEM])
    known = {"STAND_IN_GITHUB": str(folder / "github"), **(services or {})}
    project = Project(clone, hub, Machine(folder / "jobs", hub.remote, path, known))
    project.compile()
    git(clone, "init", "--quiet", "--initial-branch=main")
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


def _stand_ins(folder: Path) -> Path:
    """A folder for the PATH."""
    folder.mkdir()
    for path in _STAND_INS.glob("[a-z]*.py"):
        program = folder / path.stem
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{path}" "$@"\n')
        program.chmod(0o755)
    return folder
