"""AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aimass_compiler.catalog.optimizer import Optimizer

if TYPE_CHECKING:
    import torch


class Adamw(Optimizer):
    """AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)."""

    def for_torch(self, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(weights, lr=self.learning_rate, weight_decay=self.weight_decay)
