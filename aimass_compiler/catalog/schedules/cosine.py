"""Down along half a cosine until the last epoch (Loshchilov and Hutter 2017)."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.schedule import Schedule


class CosineDecay(Schedule):
    """Down along half a cosine until the last epoch (Loshchilov and Hutter 2017)."""

    short_form: ClassVar[str | None] = "floor"

    floor: Number = Field(0.0, ge=0, le=1)
    """The share of the learning rate that is left at the end."""

    def share_after_warmup(self, done: float, epochs: float) -> float:
        passed = min(1.0, done / epochs) if epochs > 0 else 1.0
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * passed)) / 2
