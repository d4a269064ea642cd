"""AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from aimass_compiler.catalog.optimizer import Optimizer


class Adamw(Optimizer):
    """AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)."""
