"""XGBoost stops early, and what it stops at is what predicts and what is exported."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog.models.xgboost import Xgboost
from tests.models.examples import TASKS, Watched, examples, served, train


@pytest.mark.parametrize("task", TASKS)
def test_the_best_round_predicts_and_is_exported(task: str) -> None:
    watched = Watched()
    model = Xgboost(n_estimators=300, learning_rate=0.5)
    early = train("xgboost", task, watched=watched, model=model, patience=4)
    losses = [losses["validation_loss"] for losses in watched.losses]
    best = 1 + int(numpy.argmin(losses))
    assert len(losses) == best + 4 < 300
    until_best = train("xgboost", task, model=model.model_copy(update={"n_estimators": best}), patience=0)
    x = examples("xgboost", task, 200, 6).x
    numpy.testing.assert_array_equal(early.predict(x), until_best.predict(x))
    numpy.testing.assert_allclose(served(early.to_onnx(), x), until_best.predict(x), rtol=1e-5, atol=1e-6)


def test_without_patience_every_round_is_kept() -> None:
    watched = Watched()
    train("xgboost", "binary", watched=watched, model=Xgboost(n_estimators=30, learning_rate=0.9), patience=0)
    assert watched.steps == list(range(1, 31))
