"""Learning rates rise, fall and end as their schedule says, and steps are no longer than they may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.optimizers.rmsprop import Rmsprop
from aimass_compiler.catalog.optimizers.sgd import Sgd
from aimass_compiler.catalog.schedules.constant import ConstantRate
from aimass_compiler.catalog.schedules.cosine import CosineDecay
from aimass_compiler.catalog.schedules.step import StepDecay
from tests.models.examples import Watched, examples, train

if TYPE_CHECKING:
    from aimass_compiler.catalog.schedule import Schedule


@pytest.mark.parametrize("name", names("schedules"))
@given(
    warmup=st.floats(0, 30),
    epochs=st.integers(1, 40),
    part=st.floats(0, 1),
)
def test_no_schedule_goes_beyond_the_learning_rate(
    name: str, warmup: float, epochs: int, part: float
) -> None:
    schedule: Schedule = load("schedules", name)(warmup=warmup)
    assert 0 <= schedule.share(part * epochs, epochs) <= 1


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        (ConstantRate(), {0: 1, 10: 1}),
        (ConstantRate(warmup=4.0), {0: 0, 1: 0.25, 4: 1, 10: 1}),
        (CosineDecay(), {0: 1, 5: 0.5, 10: 0}),
        (CosineDecay(floor=0.2, warmup=2.0), {1: 0.5, 2: 1, 6: 0.6, 10: 0.2}),
        (StepDecay(every=3.0, factor=0.5), {0: 1, 2.9: 1, 3: 0.5, 6: 0.25, 10: 0.125}),
    ],
)
def test_the_share_at_each_time(schedule: Schedule, shares: dict[float, float]) -> None:
    assert {done: schedule.share(done, 10) for done in shares} == pytest.approx(shares)


def steps_of(**spent: object) -> numpy.ndarray:
    """How far plain gradient descent moved all weights in the first epoch, of one step."""
    start = train("mlp", "regression", model=Mlp(hidden=()), epochs=1, optimizer=Sgd(learning_rate=1e-9))
    moved = train(
        "mlp",
        "regression",
        model=Mlp(hidden=()),
        epochs=1,
        batch_size=400,
        **{"optimizer": Sgd(learning_rate=0.01, momentum=0.0)} | spent,
    )
    return numpy.concatenate(
        [
            (after - before).detach().numpy().ravel()
            for before, after in zip(start.network.parameters(), moved.network.parameters(), strict=True)
        ]
    )


def test_a_network_learns_at_the_scheduled_rate() -> None:
    # The only step is halfway through the only epoch, where half a cosine is half.
    numpy.testing.assert_allclose(steps_of(schedule=CosineDecay()), steps_of() / 2, rtol=1e-3, atol=1e-7)


def test_a_long_step_is_shortened_to_the_norm() -> None:
    long = steps_of()
    short = steps_of(gradient_norm=0.1)
    assert numpy.linalg.norm(short) == pytest.approx(0.01 * 0.1, rel=1e-3)
    cosine = long @ short / numpy.linalg.norm(long) / numpy.linalg.norm(short)
    assert cosine == pytest.approx(1, abs=1e-4)
    numpy.testing.assert_array_equal(steps_of(gradient_norm=1e6), long)


def test_a_killed_training_keeps_its_schedule(tmp_path: object) -> None:
    spent = {"schedule": CosineDecay(warmup=1.5), "optimizer": Rmsprop(learning_rate=0.02, momentum=0.5)}
    whole, first, rest = Watched(), Watched(limit=2), Watched()
    train("mlp", "binary", watched=whole, **spent)
    train("mlp", "binary", watched=first, checkpoint=tmp_path / "state", **spent)
    train("mlp", "binary", watched=rest, checkpoint=tmp_path / "state", **spent)
    assert rest.losses == whole.losses
    assert all(math.isfinite(losses["train_loss"]) for losses in whole.losses)


def test_rmsprop_steps_by_the_mean_of_the_squares() -> None:
    x = examples("mlp", "binary", 50, 3).x
    one = train("mlp", "binary", optimizer=Rmsprop(learning_rate=0.01))
    other = train("mlp", "binary", optimizer=Rmsprop(learning_rate=0.01, centered=True))
    assert not numpy.array_equal(one.predict(x), other.predict(x))
