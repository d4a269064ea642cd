"""What every schedule of a learning rate has: a warm-up, and the share of the rate at each time after it."""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.quantities import Number


class Schedule(Kind):
    """Which share of the optimizer's learning rate is used when.

    A framework only multiplies: a step whose middle is `done` epochs after the start goes
    `learning_rate * share(done, epochs)` far.
    """

    warmup: Number = Field(0.0, ge=0, le=100_000)
    """Over how many epochs the learning rate first grows evenly from zero (Goyal et al. 2017)."""

    def share(self, done: float, epochs: int) -> float:
        """The share of the learning rate after `done` of `epochs` epochs, parts of them included."""
        if done < self.warmup:
            return done / self.warmup
        return self.share_after_warmup(done - self.warmup, epochs - self.warmup)

    @abstractmethod
    def share_after_warmup(self, done: float, epochs: float) -> float:
        """The share after `done` of the `epochs` that the warm-up leaves."""
