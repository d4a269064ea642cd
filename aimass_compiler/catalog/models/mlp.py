"""A network of fully connected layers for tables, by PyTorch."""

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


class Mlp(Model):
    """A network of fully connected layers for tables, by PyTorch."""

    requires: ClassVar[str] = "torch"
    learns_in_epochs: ClassVar[bool] = True
    learns_in_steps: ClassVar[bool] = True
    uses_gpus: ClassVar[bool] = True
    losses: ClassVar[Mapping[str, tuple[str, ...]]] = LOSSES
    regularization: ClassVar[tuple[str, ...]] = ("dropout",)
    capacity: ClassVar[tuple[str, ...]] = ("hidden",)

    hidden: Tunable[tuple[Annotated[Integer, Field(ge=1, le=8192)], ...]] = (128, 64)
    """How many units each hidden layer has."""
    activation: Tunable[Literal["relu", "gelu", "elu", "tanh"]] = "relu"
    """What each unit does with its sum."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.1
    """The share of hidden units that are left out of each step."""

    def train(
        self, task: Task, train: Examples, validation: Examples, budget: Budget, progress: Progress
    ) -> Trained:
        features = int(train.x.shape[1])
        return train_network(
            lambda: self._network(features, task.outputs), task, train, validation, budget, progress
        )

    def _network(self, features: int, outputs: int) -> torch.nn.Module:
        from torch import nn

        activations = {"relu": nn.ReLU, "gelu": nn.GELU, "elu": nn.ELU, "tanh": nn.Tanh}
        layers: list[Any] = []
        width = features
        for units in cast("tuple[int, ...]", self.hidden):
            layers += [
                nn.Linear(width, units),
                activations[cast("str", self.activation)](),
                nn.Dropout(self.dropout),
            ]
            width = units
        return nn.Sequential(*layers, nn.Linear(width, outputs))
