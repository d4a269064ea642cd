"""Networks stop early at their best weights, and go on where a killed process left them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.models.cnn import Cnn
from aimass_compiler.catalog.models.mlp import Mlp
from tests.models.examples import Watched, examples, train

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Killed(Watched):
    """Dies after two epochs."""

    def __call__(self, step: int, losses: Mapping[str, float]) -> bool:
        super().__call__(step, losses)
        if step == 2:
            raise KeyboardInterrupt
        return False


@pytest.mark.parametrize("optimizer", names("optimizers"))
def test_a_killed_training_ends_as_if_it_had_not_been(tmp_path: Path, optimizer: str) -> None:
    spent: dict[str, Any] = {
        "optimizer": load("optimizers", optimizer).model_validate({"learning_rate": 0.05})
    }
    checkpoint = tmp_path / "checkpoint"
    whole = Watched()
    expected = train("mlp", "binary", watched=whole, **spent)
    with pytest.raises(KeyboardInterrupt):
        train("mlp", "binary", watched=Killed(), checkpoint=checkpoint, **spent)
    resumed = Watched()
    trained = train("mlp", "binary", watched=resumed, checkpoint=checkpoint, **spent)
    assert resumed.losses == whole.losses
    x = examples("mlp", "binary", 50, 3).x
    numpy.testing.assert_array_equal(trained.predict(x), expected.predict(x))


def test_the_best_epoch_predicts() -> None:
    watched = Watched()
    model = Mlp(hidden=(256, 256), dropout=0.0)
    trained = train("mlp", "binary", watched=watched, model=model, epochs=200, patience=3)
    losses = [losses["validation_loss"] for losses in watched.losses]
    assert len(losses) == 1 + int(numpy.argmin(losses)) + 3
    validation = examples("mlp", "binary", 200, 2)
    scores = trained.predict(validation.x)[numpy.arange(200), validation.y]
    assert -numpy.log(scores).mean() == pytest.approx(min(losses), rel=1e-4)


def test_a_loss_that_explodes_is_told() -> None:
    optimizer = load("optimizers", "sgd").model_validate({"learning_rate": 100.0})
    with pytest.raises(ArithmeticError, match="lower the learning rate"):
        train("mlp", "regression", optimizer=optimizer, epochs=50)


@pytest.mark.parametrize(
    "model", [Cnn(kernel=2), Cnn(channels=(4, 4, 4, 4, 4)), Cnn(pooling="average", kernel=15)]
)
def test_images_of_any_size_fit_any_kernel(model: Cnn) -> None:
    trained = train("cnn", "binary", model=model, epochs=1)
    assert trained.predict(examples("cnn", "binary", 1, 3).x).shape == (1, 2)


def test_a_last_batch_of_one_row_joins_the_one_before() -> None:
    train("cnn", "binary", epochs=1, batch_size=399)
    train("cnn", "binary", epochs=1, batch_size=133)
