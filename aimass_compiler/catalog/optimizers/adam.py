"""Adam: steps scaled by running means of the gradient and its square (Kingma and Ba 2015)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aimass_compiler.catalog.optimizer import Optimizer

if TYPE_CHECKING:
    import torch


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and its square (Kingma and Ba 2015)."""

    def for_torch(self, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        import torch

        return torch.optim.Adam(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
