"""Carry out a plan: atomic per file, in an order that any interruption leaves explained."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation
from aimass_compiler.plan.comparison import Action, Files, Plan, compare
from aimass_compiler.plan.names import is_inventory, partial_name
from aimass_compiler.plan.snapshot import Obstacle, observe, snapshot

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Collection, Iterator

if sys.platform != "win32":
    import fcntl

EXPLANATIONS = (
    Explanation(
        "AM035",
        "writing failed",
        "The system refused: the disk is full, the folder is read-only, or the like. The file that was "
        "being written is as it was before, and compiling again continues where this run stopped.",
    ),
    Explanation(
        "AM036",
        "a file changed while the compiler ran",
        "Between comparing and writing, somebody or another program changed the file. It was left alone; "
        "compile again to see the difference.",
    ),
)


class _Step(NamedTuple):
    """One file to write, or to delete where `after` is None, if it still is `before`."""

    path: str
    before: bytes | None
    after: bytes | None


def update(
    files: Files,
    folder: pathlib.Path,
    *,
    prune_models: bool = False,
    force: bool = False,
    settled: Collection[str] = (),
    shown_as: str = conventions.GENERATED_FOLDER,
    tell: Callable[[str], None] = lambda message: None,  # noqa: ARG005  # by default nobody is told
) -> tuple[Plan, list[Finding]]:
    """Compare and write while no other compiler does; what was planned, and what went wrong."""
    try:
        with locked(folder, lambda: tell(f"another compiler is writing to `{folder.name}`; waiting for it")):
            seen = snapshot(folder, files, shown_as, settled=settled)
            plan = compare(files, seen, prune_models=prune_models, force=force)
            return plan, write(plan, folder)
    except OSError as error:
        return Plan(shown_as=shown_as), [_failure(shown_as, error)]


def write(plan: Plan, folder: pathlib.Path) -> list[Finding]:
    """Carry out a plan; nothing at all when it has findings, and up to the first failure otherwise."""
    if plan.findings:
        return list(plan.findings)
    for path in plan.leftovers:
        with contextlib.suppress(OSError):
            (folder / path).unlink()
    for step in _steps(plan):
        shown = f"{plan.shown_as}/{step.path}"
        try:
            if problem := _carried_out(step, folder):
                return [Finding("AM036", (), f"`{shown}` {problem}", help="compile again", file=shown)]
        except OSError as error:
            return [_failure(shown, error)]
    return []


def _failure(shown: str, error: OSError) -> Finding:
    hint = "compile again once this is solved; it continues where it stopped"
    reason = error.strerror or type(error).__name__
    return Finding("AM035", (), f"`{shown}` could not be written: {reason}", help=hint, file=shown)


def _steps(plan: Plan) -> Iterator[_Step]:
    """Announcements, deletions, files, and last the inventories, which end what was announced.

    Deletions come before files because on some systems `Train` and `train` are one file.
    """
    for path, announcement in sorted(plan.announcements.items()):
        yield _Step(path, plan.previous.get(path), announcement)
    acting = [change.path for change in plan.changes if change.action is not Action.UNCHANGED]
    ordinary = [path for path in acting if not is_inventory(path)]
    for path in sorted(ordinary, key=lambda path: (path in plan.files, path)):
        yield _Step(path, plan.previous.get(path), plan.files.get(path))
    for path in sorted({*acting, *plan.announcements}):
        if is_inventory(path):
            yield _Step(path, plan.announcements.get(path, plan.previous.get(path)), plan.files.get(path))


def _carried_out(step: _Step, folder: pathlib.Path) -> str:
    """Do one step; "" or why it must not be done any more."""
    current = observe(folder, step.path)
    if isinstance(current, Obstacle):
        return f"cannot be written: {current.reason}"
    if current != step.before:
        return "was changed by another program meanwhile"
    target = folder / step.path
    if step.after is not None:
        replace_file(target, step.after)
    elif current is not None:
        target.unlink()
        _remove_emptied(target.parent, folder)
    return ""


def replace_file(target: pathlib.Path, content: bytes) -> None:
    """Write a whole file or leave the old one; `x` opens no link that somebody put there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(partial_name(target.name))
    partial.unlink(missing_ok=True)
    try:
        with partial.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _remove_emptied(emptied: pathlib.Path, folder: pathlib.Path) -> None:
    """Remove folders that nothing is left in, up to but not including the output folder."""
    with contextlib.suppress(OSError):
        while emptied != folder:
            emptied.rmdir()
            emptied = emptied.parent


@contextlib.contextmanager
def locked(folder: pathlib.Path, on_wait: Callable[[], object]) -> Iterator[None]:
    """Keep others who lock it out of a folder, which is created; calls `on_wait` before it waits for one.

    The lock is on the folder itself: no lock file is left behind, and a killed process frees it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, on_wait)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, on_wait: Callable[[], object]) -> None:
    """Take the lock; file systems without locks (some of NFS) go without, as does Windows.

    There, `_carried_out` still notices what another compiler did.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return
