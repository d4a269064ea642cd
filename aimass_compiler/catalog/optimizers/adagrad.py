"""AdaGrad: steps that shrink for weights whose gradients were large (Duchi, Hazan and Singer 2011)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aimass_compiler.catalog.optimizer import Optimizer

if TYPE_CHECKING:
    import torch


class Adagrad(Optimizer):
    """AdaGrad: steps that shrink for weights whose gradients were large (Duchi, Hazan and Singer 2011)."""

    def for_torch(self, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adagrad(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
