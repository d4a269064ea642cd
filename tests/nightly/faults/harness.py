"""Compiles in forked processes that fail at one step each, and checks what they leave.

Runs below fault.c (LD_PRELOAD): `python -m tests.nightly.faults.harness FOLDER EVERY`, where EVERY is how
many steps lie between two that fail. Prints how many processes failed, or what is wrong.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler.checks import BASE
from aimass_compiler.cli import main
from aimass_compiler.conventions import VARIABLE_CACHE

MODES = {
    "killed before": (1, 0),
    "killed after": (2, 0),
    "killed half-way": (3, 0),
    "once refused, input/output error": (4, errno.EIO),
    "once refused, permission": (4, errno.EACCES),
    "full disk": (5, errno.ENOSPC),
    "read-only": (5, errno.EROFS),
}
OLD = {"churn": BASE, "gone": BASE.replace("name: churn", "name: gone")}
NEW = {
    "churn": BASE.replace("plus, pro", "pro") + "serving: {replicas: {min: 4, max: 4}}\n",
    "fresh": BASE.replace("name: churn", "name: fresh"),
}
NEWER = {"churn": BASE.replace("model: logistic_regression", "model: naive_bayes")}


@dataclass(frozen=True)
class State:
    """Specs, and everything below generated/ that they compile to."""

    specs: dict[str, str]
    files: dict[str, bytes]


class Project:
    """A project in which specs are compiled by processes that may end early."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.generated = root / "generated"
        self.preloaded = ctypes.CDLL(os.environ["LD_PRELOAD"])
        os.environ[VARIABLE_CACHE] = str(root / "cache")
        root.mkdir()
        (root / "outside").write_text("precious\n", encoding="utf-8")

    def state(self, specs: dict[str, str]) -> State:
        """What specs compile to when nothing fails."""
        self.put(State({}, {}), specs)
        code, _, told = self.compiled()
        assert code == 0, told
        return State(specs, self.files())

    def put(self, state: State, specs: dict[str, str]) -> None:
        """The files of a state beside these specs, as after a checkout."""
        for name in ("generated", "specs", "cache"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / "specs").mkdir()
        self.write(specs)
        for path, content in state.files.items():
            (self.generated / path).parent.mkdir(parents=True, exist_ok=True)
            (self.generated / path).write_bytes(content)

    def write(self, specs: dict[str, str]) -> None:
        """Have these specs and no others."""
        for path in (self.root / "specs").iterdir():
            path.unlink()
        for name, text in specs.items():
            (self.root / "specs" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def compiled(self, mode: int = 0, reason: int = 0, step: int = -1) -> tuple[int, int, str]:
        """What a process that compiles exits with, the steps it took, and what it said."""
        read, written = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            self._child(mode, reason, step, written)
        os.close(written)
        with open(read, "rb") as stream:  # noqa: PTH123  # a descriptor
            told = stream.read().decode(errors="replace")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _, _, count = told.rpartition("steps: ")
        return code, int(count) if count.isdigit() else -1, told

    def _child(self, mode: int, reason: int, step: int, pipe: int) -> None:
        code = 99
        told = io.StringIO()
        try:
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                self.preloaded.fault_arm(os.fsencode(self.root), mode, reason, ctypes.c_long(step), pipe)
                code = main(["compile", "--root", str(self.root)])
        finally:
            count = self.preloaded.fault_count()
            self.preloaded.fault_arm(b"", 0, 0, ctypes.c_long(-1), -1)
            os.write(pipe, f"{told.getvalue()}steps: {count}".encode())
            os._exit(code)

    def files(self) -> dict[str, bytes]:
        """Everything below generated/ but what is being written."""
        paths = (path for path in self.generated.rglob("*") if not path.is_dir())
        found = {str(path.relative_to(self.generated)): path.read_bytes() for path in paths}
        return {path: content for path, content in found.items() if not path.startswith(".partial/")}


def failing(project: Project, before: State, after: State, last: State, every: int) -> Iterator[str]:
    """Fail at each step of the way from one state to another, and go on to the last; what is wrong."""
    for name, (mode, reason) in MODES.items():
        step = 0
        while True:
            project.put(before, after.specs)
            code, _, told = project.compiled(mode, reason, step)
            yield from (f"{name} at {step}: {problem}" for problem in _problems(project, before, after))
            if code not in (0, 1, -signal.SIGKILL) or "Traceback" in told or "changes outside" in told:
                yield f"{name} at {step}: exits with {code} and says {told}"
            if code == 1 and "AM035" not in told:
                yield f"{name} at {step}: does not say what the system refused: {told}"
            project.write(last.specs)
            again, _, told_again = project.compiled()
            if again != 0 or project.files() != last.files or (project.generated / ".partial").exists():
                yield f"{name} at {step}: the next compile exits with {again}: {told_again}"
            print(f"{name} at {step}: {code}", file=sys.stderr)
            if code == 0 and mode in (1, 2, 3):
                break
            if step > 2000:
                yield f"{name}: goes on for ever"
                break
            step += every
            if code == 0 and mode in (4, 5) and step > _steps(project, before, after):
                break


def _steps(project: Project, before: State, after: State) -> int:
    project.put(before, after.specs)
    return project.compiled(1, 0, 1_000_000)[1]


def _problems(project: Project, before: State, after: State) -> Iterator[str]:
    """Files that are neither as they were nor as they will be, and changes outside."""
    for path, content in project.files().items():
        if path.endswith("inventory.json"):
            if json.loads(content)["format"] != "aimass.inventory/v1":
                yield f"{path} is no inventory"
        elif content not in (before.files.get(path), after.files.get(path)):
            yield f"{path} is neither old nor new"
    if (project.root / "outside").read_text(encoding="utf-8") != "precious\n":
        yield "a file outside changed"
    strange = {path.name for path in project.root.iterdir()} - {"generated", "specs", "cache", "outside"}
    if strange:
        yield f"there is something new beside generated/: {strange}"


def import_all(root: Path) -> None:
    """Compile here once, so that processes are forked with everything imported: most of their time."""
    (root / "specs").mkdir(parents=True)
    (root / "specs/churn.yaml").write_text(BASE, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["compile", "--root", str(root)]) == 0


def run(folder: Path, every: int) -> int:
    """Every way to fail, into an empty folder and over another state."""
    project = Project(folder / "project")
    import_all(folder / "other")
    empty = State({}, {})
    old, new, newer = (project.state(specs) for specs in (OLD, NEW, NEWER))
    problems = [
        *failing(project, empty, new, new, every),
        *failing(project, old, new, newer, every),
        *failing(project, old, new, old, every),
    ]
    print("\n".join(problems[:20]) or "every file is whole, and the next compile converges")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), int(sys.argv[2])))
