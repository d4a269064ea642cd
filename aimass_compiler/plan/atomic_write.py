"""Carry out a plan: whole files, in an order that any interruption leaves explained.

What is new is written below `.partial` first. A model that has no folder yet is moved from there as a
whole; of another, each file that differs is. See docs/decisions/0080-a-model-is-moved-into-place.md.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Explanation, Finding, has_errors
from aimass_compiler.model_path import owner_of
from aimass_compiler.plan.comparison import Action, FileChange, Files, Plan, compare
from aimass_compiler.plan.folder import Obstacle, OutputFolder
from aimass_compiler.plan.folder_lock import folder_locked
from aimass_compiler.plan.names import STAGING, inventory_path
from aimass_compiler.plan.snapshot import snapshot

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Collection, Iterator

EXPLANATIONS = (
    Explanation(
        "AM035",
        "writing failed",
        "The system refused: the disk is full, the folder is read-only, or the like. Every file is whole, as "
        "it was or as it will be, and compiling again continues where this run stopped.",
    ),
    Explanation(
        "AM036",
        "a file changed while the compiler ran",
        "Between comparing and writing, you or another program changed the file. It was left alone; "
        "compile again to see the difference.",
    ),
)


def update(
    files: Files,
    folder: pathlib.Path,
    *,
    prune_models: bool = False,
    force: bool = False,
    settled: Collection[str] = (),
    shown_as: str = conventions.GENERATED_FOLDER,
    report: Callable[[str], None] = lambda message: None,  # noqa: ARG005  # by default nothing is reported
) -> tuple[Plan, list[Finding]]:
    """Compare and write while no other compiler does; what was planned, and what is wrong.

    With `prune_models`, models that are neither produced nor `settled` are gone.
    """

    def carried_out() -> tuple[Plan, list[Finding]]:
        seen = snapshot(folder, files, shown_as, others=prune_models, settled=settled)
        plan = compare(files, seen, prune_models=prune_models, force=force)
        return plan, write(plan, folder)

    return guarded(carried_out, folder, shown_as=shown_as, report=report)


def guarded(
    carried_out: Callable[[], tuple[Plan, list[Finding]]],
    folder: pathlib.Path,
    *,
    shown_as: str = conventions.GENERATED_FOLDER,
    report: Callable[[str], None] = lambda message: None,  # noqa: ARG005  # by default nothing is reported
) -> tuple[Plan, list[Finding]]:
    """Do it while no other compiler writes; where the folder itself refuses, that is what is wrong."""
    try:
        with alone(folder, lambda: report(f"another compiler is writing to `{folder.name}`; waiting for it")):
            return carried_out()
    except OSError as error:
        seen = snapshot(folder, (), shown_as, others=False)
        if seen.obstacles:
            plan = compare({}, seen)
            return plan, list(plan.findings)
        return Plan(shown_as=shown_as), [_failure(shown_as, error)]


def plan_model(files: Files, folder: pathlib.Path, *, force: bool = False) -> Plan:
    """The plan of one model, or a few, and of nothing else: for a process that writes its share.

    All of them together are what `update` does, as long as one process is `alone` around them and
    each carries out its plans with `write`.
    """
    return compare(files, snapshot(folder, files, others=False), force=force)


@contextlib.contextmanager
def alone(folder: pathlib.Path, on_wait: Callable[[], object]) -> Iterator[None]:
    """Keep other compilers out of the output folder, and remove what a killed one left half-written."""
    with folder_locked(folder, on_wait), OutputFolder(folder) as opened:
        for model in opened.names(STAGING):
            opened.remove_empty_folders(model)
            opened.remove_emptied(model)
        opened.clear(STAGING)
        try:
            yield
        finally:
            opened.remove_empty_folders(STAGING)
            opened.remove_emptied(STAGING)


def write(plan: Plan, folder: pathlib.Path) -> list[Finding]:
    """Carry out a plan; nothing at all when it has errors, and up to the first failure otherwise.

    Answers the plan's findings and what went wrong. Models that are gone are removed last.
    """
    if has_errors(plan.findings):
        return list(plan.findings)
    acting: dict[str, list[FileChange]] = {}
    models = plan.of_teams
    for change in plan.changes:
        if change.action is not Action.UNCHANGED:
            acting.setdefault(owner_of(change.path, models), []).append(change)
    order = sorted(acting, key=lambda model: (inventory_path(model) not in plan.files, model))
    with OutputFolder(folder) as opened:
        for model in order:
            writer = _Writer(opened, model, plan)
            try:
                if problem := writer.carry_out(acting[model]):
                    return [*plan.findings, problem]
            except OSError as error:
                return [*plan.findings, _failure(f"{plan.shown_as}/{writer.path}", error)]
    return list(plan.findings)


def _failure(shown: str, error: OSError) -> Finding:
    hint = "compile again once this is solved; it continues where it stopped"
    reason = error.strerror or type(error).__name__
    return Finding("AM035", (), f"`{shown}` could not be written: {reason}", help=hint, file=shown)


class _Writer:
    """Writes what differs in one model's folder."""

    def __init__(self, opened: OutputFolder, model: str, plan: Plan) -> None:
        self._opened = opened
        self._model = model
        self._plan = plan
        self._staging = f"{STAGING}/{model or STAGING}"
        #: What is being written, for the message when the system refuses.
        self.path = model

    def carry_out(self, changes: list[FileChange]) -> Finding | None:
        """Do them all; or why one must not be done any more. OSError when the system refuses."""
        is_new = bool(self._model) and all(change.action is Action.CREATE for change in changes)
        try:
            if is_new and self._opened.look_again(self._model) is None:
                self._move_whole(changes)
                return None
            return self._move_each(changes)
        except BaseException:
            with contextlib.suppress(OSError):
                self._opened.leave()
                self._clean()
            raise

    def _move_whole(self, changes: list[FileChange]) -> None:
        """Write the folder aside and move it into place in one step."""
        for change in changes:
            self.path = change.path
            inside = change.path[len(self._model) :]
            self._opened.create(self._staging + inside, self._plan.files[change.path])
        self.path = self._model
        self._opened.leave()
        self._opened.move(self._staging, self._model)

    def _move_each(self, changes: list[FileChange]) -> Finding | None:
        """Write all contents aside, so that a full disk changes nothing, and then move file by file.

        What is being written is listed first, and last what was. Deletions come before files because
        on some systems `Train` and `train` are one file.
        """
        plan, listing = self._plan, inventory_path(self._model)
        announced, listed = plan.announcements.get(listing), plan.files.get(listing)
        paths = sorted(change.path for change in changes if change.path != listing)
        steps = [_Step(listing, plan.previous.get(listing), announced)] if announced else []
        gone = [path for path in paths if path not in plan.files]
        steps += [_Step(path, plan.previous.get(path), None) for path in gone]
        steps += [
            _Step(path, plan.previous.get(path), plan.files[path]) for path in paths if path in plan.files
        ]
        if announced or plan.previous.get(listing) != listed:
            steps += [_Step(listing, announced or plan.previous.get(listing), listed)]
        # Who finds this folder knows that a run was killed, even where it only deleted.
        self._opened.make(self._staging)
        for number, step in enumerate(steps):
            self.path = step.path
            if step.after is not None:
                self._opened.create(f"{self._staging}/{number}", step.after)
        for number, step in enumerate(steps):
            self.path = step.path
            if problem := self._carried_out(step, f"{self._staging}/{number}"):
                self._clean()
                shown = f"{plan.shown_as}/{step.path}"
                return Finding("AM036", (), f"`{shown}` {problem}", help="compile again", file=shown)
        self._clean()
        return None

    def _clean(self) -> None:
        self._opened.clear(self._staging)
        self._opened.remove_folder(self._staging)

    def _carried_out(self, step: _Step, staged: str) -> str:
        """Do one step; "" or why it must not be done any more."""
        current = self._opened.look_again(step.path)
        if isinstance(current, Obstacle):
            return f"cannot be written: {current.reason}"
        if current != step.before:
            return "was changed by another program meanwhile"
        if step.after is not None:
            self._opened.move(staged, step.path)
        elif current is not None:
            self._opened.remove(step.path)
            self._opened.remove_emptied(step.path.rpartition("/")[0])
        return ""


class _Step(NamedTuple):
    """One file to write, or to delete where `after` is None, if it still is `before`."""

    path: str
    before: bytes | None
    after: bytes | None
