"""How far a run is: the one account of it, from which Kubeflow Trainer, Prometheus and notes are told."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import Stage, artifacts

#: Where in a whole run a stage begins, in percent; most of the time goes into training.
_BEGINS = {"prepare": 0, "features": 5, "train": 10, "repeat": 80, "evaluate": 90, "package": 95}
_END = 100
#: Of the model on the test split.
_MEASURED_AFTER = ("evaluate", "package")
LAST_STAGE = "package"


@dataclass(frozen=True)
class Progress:
    """How far a run is at one moment."""

    stage: str
    share: float
    """Of the stage, from 0 to 1."""
    percent: float
    """Of the whole run."""
    remaining: float | None = None
    """About how many seconds the stage goes on; None where nothing tells."""
    done: int = 0
    total: int = 0
    unit: str = ""
    """What is counted: trials, or steps of one training; empty where nothing is."""
    metrics: Mapping[str, float | None] = field(default_factory=dict)


class Listener(Protocol):
    """Who is told of progress, without keeping the run waiting."""

    def report(self, progress: Progress) -> None:
        """That the run is so far."""

    def finish(self) -> None:
        """That the stage has ended well."""


def seconds_left(elapsed: float, share: float) -> float | None:
    """About how long something goes on of which a share is done after so many seconds."""
    return elapsed * (1 / share - 1) if share > 0 else None


def is_told_of(stage: Stage) -> bool:
    """Whether a stage is one of a run whose progress people follow."""
    return stage.name in _BEGINS


@contextmanager
def reported(stage: Stage, workspace: Workspace, listeners: Sequence[Listener]) -> Iterator[None]:
    """Tell that the stage that runs in the block began and, where it measured the model, what came out."""
    if not listeners:
        yield
        return
    account = _Account(stage.name, listeners)
    _current.append(account)
    try:
        account.report(0.0)
        yield
        if stage.name in _MEASURED_AFTER:
            account.report(1.0, metrics=_measured(workspace))
        for listener in listeners:
            listener.finish()
    finally:
        _current.remove(account)


def report_step(done: int, total: int, metrics: Mapping[str, float | None], unit: str = "step") -> None:
    """Tell that so many trials, or steps of one training, are done, with what they reached."""
    if _current and total > 0:
        _current[-1].report(min(1.0, done / total), done, total, unit, metrics)


def say(line: str) -> None:
    """One line of progress, seen at once."""
    print(line, flush=True)


class _Account:
    """When a stage of this process began, and who is told."""

    def __init__(self, stage: str, listeners: Sequence[Listener]) -> None:
        self._stage = stage
        self._listeners = listeners
        self._began = time.monotonic()

    def report(
        self,
        share: float,
        done: int = 0,
        total: int = 0,
        unit: str = "",
        metrics: Mapping[str, float | None] | None = None,
    ) -> None:
        begins, ends = _span(self._stage)
        left = seconds_left(time.monotonic() - self._began, share)
        percent = begins + share * (ends - begins)
        now = Progress(self._stage, share, percent, left, done, total, unit, metrics or {})
        for listener in self._listeners:
            listener.report(now)


#: The stage that runs in this process, if it is to be told of.
_current: list[_Account] = []


def _span(stage: str) -> tuple[int, int]:
    """Between which percentages of a run a stage is."""
    names = list(_BEGINS)
    following = names[names.index(stage) + 1 :]
    return _BEGINS[stage], _BEGINS[following[0]] if following else _END


def _measured(workspace: Workspace) -> dict[str, float | None]:
    """The metrics on the test split."""
    path = workspace.path(artifacts.METRICS)
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8")).get("test", {})
    return dict(finite(found))


def finite(metrics: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """The metrics that have a number."""
    for name, value in metrics.items():
        if isinstance(value, float | int) and math.isfinite(value):
            yield name, value
