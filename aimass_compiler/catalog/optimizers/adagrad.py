"""AdaGrad: steps that shrink for weights whose gradients were large (Duchi, Hazan and Singer 2011)."""

from __future__ import annotations

from aimass_compiler.catalog.optimizer import Optimizer


class Adagrad(Optimizer):
    """AdaGrad: steps that shrink for weights whose gradients were large (Duchi, Hazan and Singer 2011)."""

    @property
    def states(self) -> int:
        return 1
