"""What every optimizer of networks has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.ranges import checked
from aimass_compiler.values import Number, Tunable

if TYPE_CHECKING:
    import torch


class Optimizer(Kind):
    """Moves the weights of a network against the gradient of its loss."""

    short_form: ClassVar[str | None] = "learning_rate"

    learning_rate: Tunable[Annotated[Number, Field(gt=0, le=100)]] = 0.001
    """How far one step goes."""
    weight_decay: Tunable[Annotated[Number, Field(ge=0, le=10)]] = 0.0
    """How strongly weights are pulled to zero."""

    @field_validator("*")
    @classmethod
    def _range_is_sound(cls, value: Any, field: ValidationInfo) -> Any:
        return checked(value, cls, field.field_name or "")

    @abstractmethod
    def for_torch(self, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """PyTorch's optimizer with these parameters, which must be values, not ranges."""
