"""A network of fully connected layers for tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.network import Activation, Dense, Dropout, Layer, Network
from aimass_compiler.catalog.quantities import Integer, Number, Tunable


class Mlp(Network):
    """A network of fully connected layers for tables."""

    regularization: ClassVar[tuple[str, ...]] = ("dropout",)
    capacity: ClassVar[tuple[str, ...]] = ("hidden",)

    hidden: Tunable[tuple[Annotated[Integer, Field(ge=1, le=8192)], ...]] = (128, 64)
    """How many units each hidden layer has."""
    activation: Tunable[Literal["relu", "gelu", "elu", "tanh"]] = "relu"
    """What each unit does with its sum."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.1
    """The share of hidden units that are left out of each step."""

    def architecture(self, shape: tuple[int, ...], outputs: int) -> Iterator[Layer]:
        del shape
        for units in cast("tuple[int, ...]", self.hidden):
            yield Dense(units)
            yield Activation(cast("Literal['relu']", self.activation))
            yield Dropout(cast("float", self.dropout))
        yield Dense(outputs)
