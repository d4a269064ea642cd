"""Adam: steps scaled by running means of the gradient and its square (Kingma and Ba 2015)."""

from __future__ import annotations

from aimass_compiler.catalog.optimizer import Optimizer


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and its square (Kingma and Ba 2015)."""
