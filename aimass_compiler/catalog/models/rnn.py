"""A recurrent network for sequences: the words of a text, or a series of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Read, Sequences
from aimass_compiler.catalog.network import (
    Dense,
    Dropout,
    Embedding,
    Layer,
    Masking,
    Network,
    Recurrent,
    StepPooling,
)
from aimass_compiler.catalog.quantities import Integer, Number, Tunable


class Rnn(Network):
    """A recurrent network for sequences: the words of a text, or a series of numbers."""

    examples: ClassVar[Read] = Sequences()
    accepts_missing: ClassVar[bool] = True
    regularization: ClassVar[tuple[str, ...]] = ("dropout",)
    capacity: ClassVar[tuple[str, ...]] = ("hidden",)

    cell: Tunable[Literal["lstm", "gru"]] = "lstm"
    """What remembers from step to step; a `gru` has fewer weights."""
    hidden: Tunable[Annotated[Integer, Field(ge=1, le=4096)]] = 64
    """How many units a layer has, in each direction."""
    layers: Tunable[Annotated[Integer, Field(ge=1, le=16)]] = 1
    """How many recurrent layers there are, each over the steps of the one before."""
    bidirectional: Tunable[bool] = True
    """Whether each layer also reads backward, from the last step to the first."""
    embedding: Tunable[Annotated[Integer, Field(ge=1, le=4096)]] = 64
    """How many numbers stand for a word; of no matter for a series."""
    pooling: Tunable[Literal["mean", "max"]] = "mean"
    """What becomes of the steps: their mean or the largest of each unit."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.2
    """The share of what each layer gives that is left out of each step of learning."""

    def architecture(self, shape: tuple[int, ...], outputs: int) -> Iterator[Layer]:
        dropout = Dropout(cast("float", self.dropout))
        if len(shape) == 1:
            yield Embedding(cast("int", self.embedding))
            yield dropout
        else:
            yield Masking()
        for _ in range(cast("int", self.layers)):
            cell = cast("Literal['lstm']", self.cell)
            yield Recurrent(cell, cast("int", self.hidden), cast("bool", self.bidirectional))
            yield dropout
        yield StepPooling(cast("Literal['mean']", self.pooling))
        yield Dense(outputs)
