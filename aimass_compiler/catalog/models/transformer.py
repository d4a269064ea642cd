"""A transformer that encodes sequences: the words of a text, or a series of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Read, Sequences
from aimass_compiler.catalog.network import (
    Dense,
    Dropout,
    Embedding,
    EncoderBlock,
    Layer,
    LayerNormalization,
    Masking,
    Network,
    Positions,
    StepPooling,
)
from aimass_compiler.catalog.quantities import Integer, Number, Tunable

#: The deviation of words and places at the start: as loud as each other, and quieter than what the blocks add
#: (Radford et al. 2019).
_START = 0.02


class Transformer(Network):
    """A transformer that encodes sequences: the words of a text, or a series of numbers.

    It learns from nothing but the training rows: with few of them, `rnn` learns more.
    """

    examples: ClassVar[Read] = Sequences()
    accepts_missing: ClassVar[bool] = True
    regularization: ClassVar[tuple[str, ...]] = ("dropout",)
    capacity: ClassVar[tuple[str, ...]] = ("width",)

    layers: Tunable[Annotated[Integer, Field(ge=1, le=24)]] = 2
    """How many blocks there are: self-attention, then two dense layers."""
    heads: Tunable[Annotated[Integer, Field(ge=1, le=64)]] = 4
    """How many times a block looks at all steps from each one, each time for something else."""
    width: Tunable[Annotated[Integer, Field(ge=1, le=4096)]] = 64
    """How many numbers stand for a step; the heads share them."""
    feed_forward: Tunable[Annotated[Integer, Field(ge=1, le=16_384)]] = 128
    """How many units the first dense layer of a block has."""
    pooling: Tunable[Literal["mean", "max"]] = "mean"
    """What becomes of the steps: their mean or the largest of each number."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.1
    """The share of what each part of a block gives that is left out of each step of learning."""

    def architecture(self, shape: tuple[int, ...], outputs: int) -> Iterator[Layer]:
        width, dropout = cast("int", self.width), cast("float", self.dropout)
        if len(shape) == 1:
            yield Embedding(width, _START)
        else:
            yield Masking()
            yield Dense(width)
        yield Positions(_START)
        yield Dropout(dropout)
        for _ in range(cast("int", self.layers)):
            yield EncoderBlock(cast("int", self.heads), cast("int", self.feed_forward), dropout)
        yield LayerNormalization()
        yield StepPooling(cast("Literal['mean']", self.pooling))
        yield Dense(outputs)
