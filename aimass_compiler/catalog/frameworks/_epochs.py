"""Epochs of a network, whichever framework computes them: early stopping, the best weights, going on."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from aimass_compiler.atomic_file import replacing
from aimass_compiler.diagnostics import first_line

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.model import Budget, Progress

W = TypeVar("W")
#: How many rows are asked at once where nothing is learned.
ROWS_AT_ONCE = 1024


class CheckpointError(OSError):
    """What was learned could not be written; the checkpoint before is still there."""


@dataclass
class EpochLog(Generic[W]):
    """What the epochs of a training came to so far; `W` is what a framework calls weights."""

    history: list[dict[str, float]] = field(default_factory=list)
    best: int = 0
    """The epoch with the lowest validation loss, counted from 1."""
    best_weights: W | None = None

    def note(self, losses: dict[str, float], weights: W) -> None:
        """Remember an epoch, and its weights where it is the best so far."""
        lowest = self.history[self.best - 1]["validation_loss"] if self.best else math.inf
        self.history.append(losses)
        if losses["validation_loss"] < lowest:
            self.best, self.best_weights = len(self.history), weights

    def is_over(self, budget: Budget) -> bool:
        """Whether the epochs are used up, or have not helped for too long."""
        stale = len(self.history) - self.best
        return len(self.history) >= budget.epochs or 0 < budget.patience <= stale


class Learner(Protocol[W]):
    """A network and its optimizer while they learn."""

    def learn(self, epoch: int) -> float:
        """Pass over the training rows once, in an order that seed and epoch decide; the mean loss."""

    def watch(self) -> float:
        """The mean loss of the validation rows, without learning."""

    def weights(self) -> W:
        """A copy of what the network has learned."""

    def save(self, log: EpochLog[W], path: Path) -> None:
        """Write weights, optimizer and log, so that another process can go on."""

    def load(self, path: Path) -> EpochLog[W]:
        """Take over what another process saved."""


def best_weights(learner: Learner[W], budget: Budget, progress: Progress) -> W:
    """The weights of the best epoch by validation loss, from where an earlier process was killed.

    Raises ArithmeticError when a loss is no finite number.
    """
    path = budget.checkpoint
    log: EpochLog[W] = learner.load(path) if path is not None and path.exists() else EpochLog()
    is_stopped = False
    for step, losses in enumerate(log.history, start=1):
        is_stopped = progress(step, losses)
    while not (is_stopped or log.is_over(budget)):
        epoch = len(log.history)
        losses = {"train_loss": learner.learn(epoch), "validation_loss": learner.watch()}
        _require_finite(losses, epoch)
        log.note(losses, learner.weights())
        if path is not None and budget.share.is_first:
            _replace(learner, log, path)
        is_stopped = progress(epoch + 1, losses)
    if log.best_weights is None:
        raise ArithmeticError("no epoch has ended")
    return log.best_weights


def _reason(error: OSError | RuntimeError) -> str:
    return (isinstance(error, OSError) and error.strerror) or first_line(error)


def _require_finite(losses: dict[str, float], epoch: int) -> None:
    for loss in losses.values():
        if not math.isfinite(loss):
            raise ArithmeticError(f"the loss became {loss} in epoch {epoch + 1}; lower the learning rate")


def _replace(learner: Learner[W], log: EpochLog[W], path: Path) -> None:
    try:
        with replacing(path) as temporary:
            learner.save(log, temporary)
    except (OSError, RuntimeError) as error:  # PyTorch tells of a full disk by RuntimeError
        raise CheckpointError(errno.EIO, _reason(error), str(path)) from error


def shuffled(count: int, seed: int, epoch: int) -> numpy.ndarray:
    """The order [count] of the rows in an epoch, the same in each framework."""
    import numpy

    return numpy.random.default_rng((seed, epoch)).permutation(count)


def parts(count: int, size: int) -> Iterator[slice]:
    """Consecutive parts of the rows; a last part of one row joins the one before: batch norm needs two."""
    starts = list(range(0, count, size))
    if len(starts) > 1 and count - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        yield slice(start, end)
