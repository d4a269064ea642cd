"""Processes of this machine that train one trial after the other; one that dies does the search no harm."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from aimass_compiler.runtime.training.trial import Assignment, Watch
    from aimass_compiler.runtime.training.trial_folders import TrialFolders

#: Whether a process can be forked off one that has imported already what training needs.
CAN_FORK = sys.platform != "win32"
_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class TrialBegan:
    """A trial was begun, at this time since the epoch."""

    at: float


@dataclass(frozen=True)
class StepDone:
    """How a trial does after a step that is watched; it waits for the answer whether to go on."""

    step: int
    validation_loss: float


@dataclass(frozen=True)
class TrialDone:
    """A trial's model was trained and is in its folder."""

    value: float
    seconds: float
    step: int
    validation_loss: float | None


@dataclass(frozen=True)
class Failed:
    """A trial raised an error; with an empty reason, its process died."""

    reason: str


@dataclass(frozen=True)
class Stopped:
    """A trial was stopped."""


Said = TrialBegan | StepDone | TrialDone | Failed | Stopped


class _TrialStopped(Exception):  # noqa: N818  # no error: a trial that is stopped
    """Ends the training of a trial that fell behind."""


class LocalWorker:
    """One process that trains the trials that it is given."""

    def __init__(self, assignment: Assignment, trials: TrialFolders) -> None:
        context = multiprocessing.get_context("forkserver")
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(theirs, assignment, trials), daemon=True
        )
        self._process.start()
        theirs.close()

    def begin(self, number: int, values: Mapping[str, Any], watched: frozenset[int]) -> None:
        """Train a trial; what comes of it is heard by and by, and first what it says after watched steps."""
        self.connection.send((number, dict(values), watched))

    def heard(self) -> Said:
        """What it said; to be asked where its connection is ready."""
        try:
            said: Said = self.connection.recv()
        except (EOFError, OSError):
            return Failed("")
        return said

    def answer(self, *, goes_on: bool) -> None:
        """Whether the trial that waits after a step goes on."""
        self.connection.send(goes_on)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self.connection.close()


@contextmanager
def imported(modules: list[str], threads: int) -> Iterator[None]:
    """A process from which workers are forked that have imported these, and compute in so many threads."""
    before = os.environ.get(_THREADS)
    os.environ.setdefault(_THREADS, str(threads))  # as Ray does it for its workers
    try:
        multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
        forkserver.ensure_running()
        yield
    finally:
        if before is None:
            os.environ.pop(_THREADS, None)


def _serve(connection: Connection, assignment: Assignment, trials: TrialFolders) -> None:
    """Train what comes until the connection is closed."""
    threading.Thread(target=_end_with_the_search, daemon=True).start()
    while True:
        try:
            number, values, watched = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(TrialBegan(time.time()))
        connection.send(_trained(assignment, trials, number, values, _watch(connection, watched)))


def _end_with_the_search() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _trained(
    assignment: Assignment, trials: TrialFolders, number: int, values: Mapping[str, Any], watch: Watch
) -> Said:
    from aimass_compiler.runtime.training.trial import fit, reason_of

    try:
        fitted = fit(assignment, values, trials.checkpoint(number), watch)
        trials.keep(number, fitted)
    except _TrialStopped:
        return Stopped()
    except Exception as error:  # noqa: BLE001  # whatever a model raises, the next trial goes on
        return Failed(reason_of(error))
    step, losses = fitted.history[-1] if fitted.history else (1, {})
    return TrialDone(fitted.value, fitted.seconds, step, losses.get("validation_loss"))


def _watch(connection: Connection, watched: frozenset[int]) -> Watch:
    def watch(step: int, losses: Mapping[str, float]) -> None:
        if step in watched:
            connection.send(StepDone(step, losses["validation_loss"]))
            if not connection.recv():
                raise _TrialStopped

    return watch
