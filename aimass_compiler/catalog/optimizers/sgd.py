"""SGD: plain steps against the gradient, carried on by momentum (Sutskever et al. 2013)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.optimizer import Optimizer
from aimass_compiler.catalog.quantities import Flag, Number, Tunable


class Sgd(Optimizer):
    """SGD: plain steps against the gradient, carried on by momentum (Sutskever et al. 2013)."""

    momentum: Tunable[Annotated[Number, Field(ge=0, le=1)]] = 0.9
    """How much of the last step is carried on."""
    nesterov: Flag = False
    """Whether the gradient is taken after the momentum's step."""

    @property
    def states(self) -> int:
        return 0 if self.momentum == 0 else 1

    @model_validator(mode="after")
    def _carries_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise PydanticCustomError("nesterov", "`nesterov` needs a `momentum` above 0")
        return self
