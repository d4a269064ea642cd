"""A convolutional network for images, by PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Examples, Model, Progress, Trained
from aimass_compiler.catalog.models._network import LOSSES, train_network
from aimass_compiler.task import Task
from aimass_compiler.values import Integer, Number, Tunable

if TYPE_CHECKING:
    import torch


class Cnn(Model):
    """A convolutional network for images, by PyTorch."""

    requires: ClassVar[str] = "torch"
    learns_in_epochs: ClassVar[bool] = True
    learns_in_steps: ClassVar[bool] = True
    uses_gpus: ClassVar[bool] = True
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = LOSSES
    accepts: ClassVar[Literal["table", "image"]] = "image"
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

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        shape = cast("tuple[int, int, int]", train.x.shape[1:])
        return train_network(
            lambda: self._network(shape, task.outputs), task, train, validation, budget, progress
        )

    def _network(self, shape: tuple[int, int, int], outputs: int) -> torch.nn.Module:
        from torch import nn

        kernel = cast("int", self.kernel)
        pool = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}[cast("str", self.pooling)]
        depth, height, width = shape
        layers: list[Any] = []
        for channels in cast("tuple[int, ...]", self.channels):
            # An even kernel has no middle: padded on one side only, it still keeps width and height.
            before, after = (kernel - 1) // 2, kernel // 2
            layers += [nn.ZeroPad2d((before, after, before, after)), nn.Conv2d(depth, channels, kernel)]
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            if min(height, width) > 1:
                layers.append(pool(2))
                height, width = height // 2, width // 2
            depth = channels
        head = (
            nn.AvgPool2d((height, width)),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(depth, outputs),
        )
        return nn.Sequential(*layers, *head)
