"""A convolutional network for images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.examples import Images, Matrix
from aimass_compiler.catalog.network import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Network,
    Pooling,
)
from aimass_compiler.catalog.quantities import Integer, Number, Tunable


class Cnn(Network):
    """A convolutional network for images."""

    examples: ClassVar[Matrix | Images] = Images()
    regularization: ClassVar[tuple[str, ...]] = ("dropout",)
    capacity: ClassVar[tuple[str, ...]] = ("channels",)

    channels: Tunable[
        Annotated[tuple[Annotated[Integer, Field(ge=1, le=4096)], ...], Field(min_length=1)]
    ] = (16, 32, 64)
    """How many channels each block has: a convolution, batch normalisation, ReLU, pooling."""
    kernel: Tunable[Annotated[Integer, Field(ge=1, le=15)]] = 3
    """How many pixels wide and high a convolution looks."""
    pooling: Tunable[Literal["max", "average"]] = "max"
    """How a block halves width and height, as long as there are two pixels left."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.1
    """The share of the last channels that are left out of each step."""

    def architecture(self, shape: tuple[int, ...], outputs: int) -> Iterator[Layer]:
        _, height, width = shape
        for channels in cast("tuple[int, ...]", self.channels):
            yield Convolution(channels, cast("int", self.kernel))
            yield BatchNormalization()
            yield Activation("relu")
            if min(height, width) > 1:
                yield Pooling(cast("Literal['max']", self.pooling), (2, 2))
                height, width = height // 2, width // 2
        yield Pooling("average", (height, width))
        yield Flatten()
        yield Dropout(cast("float", self.dropout))
        yield Dense(outputs)
