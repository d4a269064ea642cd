"""RMSprop: steps scaled by a running mean of the gradient's square (Tieleman and Hinton 2012)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aimass_compiler.catalog.optimizer import Optimizer
from aimass_compiler.catalog.quantities import Flag, Number, Tunable


class Rmsprop(Optimizer):
    """RMSprop: steps scaled by a running mean of the gradient's square (Tieleman and Hinton 2012)."""

    alpha: Tunable[Annotated[Number, Field(ge=0, lt=1)]] = 0.99
    """How much of the running mean each step keeps."""
    momentum: Tunable[Annotated[Number, Field(ge=0, le=1)]] = 0.0
    """How much of the last step is carried on."""
    centered: Flag = False
    """Whether the gradient's running mean is subtracted, so that its variance scales the step."""

    @property
    def states(self) -> int:
        return 1
