"""What every optimizer of networks has: parameters, which each framework maps to an optimizer of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.quantities import Number, Tunable
from aimass_compiler.catalog.ranges import checked


class Optimizer(Kind):
    """Moves the weights of a network against the gradient of its loss."""

    short_form: ClassVar[str | None] = "learning_rate"

    learning_rate: Tunable[Annotated[Number, Field(gt=0, le=100)]] = 0.001
    """How far one step goes."""
    weight_decay: Tunable[Annotated[Number, Field(ge=0, le=10)]] = 0.0
    """How strongly weights are pulled to zero."""

    @property
    def states(self) -> int:
        """How many numbers it keeps for each weight."""
        return 2

    @field_validator("*")
    @classmethod
    def _range_is_sound(cls, value: Any, field: ValidationInfo) -> Any:
        return checked(value, cls, field.field_name or "")
