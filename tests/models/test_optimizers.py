"""What tells the optimizers of networks apart."""

from __future__ import annotations

import pytest

from aimass_compiler.catalog.frameworks.torch import optimizer_for
from aimass_compiler.catalog.optimizer import Optimizer
from aimass_compiler.catalog.optimizers.adam import Adam
from aimass_compiler.catalog.optimizers.adamw import Adamw

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("optimizer", "after"),
    [
        # Decay by the gradient: Adam divides it by its own size, so the step is the learning rate.
        (Adam(learning_rate=0.1, weight_decay=0.5), 2 - 0.1),
        # Decay of the weight itself: a share of it.
        (Adamw(learning_rate=0.1, weight_decay=0.5), 2 * (1 - 0.1 * 0.5)),
    ],
    ids=["adam", "adamw"],
)
def test_weight_decay_without_a_gradient(optimizer: Optimizer, after: float) -> None:
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    weight.grad = torch.zeros(1)
    optimizer_for(optimizer, [weight]).step()
    assert weight.item() == pytest.approx(after, abs=1e-6)
