"""Boosting rounds: early stopping, the best round, and checkpoints to go on from after a kill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.model import Budget, Progress

#: A model is kept after each of so many parts of its rounds: it grows, so that each round would cost more.
_CHECKPOINTS = 20


class _Checkpoint(msgspec.Struct):
    """What a process needs that goes on with a training."""

    history: list[dict[str, float]]
    model: bytes


@dataclass
class Rounds:
    """The losses after each round; over several workers, also a checkpoint every so many."""

    budget: Budget
    progress: Progress
    most: int
    history: list[dict[str, float]] = field(default_factory=list)
    model: bytes | None = None
    """The model of an earlier process that was killed, after as many rounds as `history` has."""

    def __post_init__(self) -> None:
        path = self.budget.checkpoint
        if not self._is_kept or path is None or not path.exists():
            return
        kept = msgspec.msgpack.decode(path.read_bytes(), type=_Checkpoint)
        self.history, self.model = kept.history, kept.model
        for step, losses in enumerate(kept.history, start=1):
            self.progress(step, losses)

    @property
    def best(self) -> int:
        """The round with the lowest validation loss, counted from 1; 0 before the first."""
        watched = [losses["validation_loss"] for losses in self.history]
        return watched.index(min(watched)) + 1 if watched else 0

    @property
    def left(self) -> int:
        """How many rounds there may still be."""
        return 0 if self._is_stale else self.most - len(self.history)

    def note(self, losses: Mapping[str, float], saved: Callable[[], bytes]) -> bool:
        """Remember a round whose model `saved` answers; whether it shall be the last."""
        self.history.append(dict(losses))
        count = len(self.history)
        if self._is_kept and self.budget.share.is_first and count % max(1, self.most // _CHECKPOINTS) == 0:
            self._keep(saved())
        return self.progress(count, losses) or self._is_stale

    @property
    def _is_stale(self) -> bool:
        return 0 < self.budget.patience <= len(self.history) - self.best

    @property
    def _is_kept(self) -> bool:
        return self.budget.share.size > 1 and self.budget.checkpoint is not None

    def _keep(self, model: bytes) -> None:
        path = self.budget.checkpoint
        assert path is not None  # noqa: S101  # what `_is_kept` says
        with replacing(path) as temporary:
            temporary.write_bytes(msgspec.msgpack.encode(_Checkpoint(self.history, model)))
