"""Down by a factor every few epochs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.schedule import Schedule


class StepDecay(Schedule):
    """Down by a factor every few epochs."""

    short_form: ClassVar[str | None] = "every"

    every: Number = Field(10.0, gt=0, le=100_000)
    """After how many epochs the learning rate falls, again and again."""
    factor: Number = Field(0.1, gt=0, lt=1)
    """What it is multiplied by each time."""

    def share_after_warmup(self, done: float, epochs: float) -> float:
        del epochs
        return float(self.factor ** (done // self.every))
