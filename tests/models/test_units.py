"""What a regression learns does not depend on the unit of its target, nor on where its zero is."""

from __future__ import annotations

import numpy
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks._scale import Scale
from aimass_compiler.catalog.loss import LOG_LINK
from aimass_compiler.catalog.models.xgboost import Xgboost
from tests.models.examples import CASES, TASKS, Watched, budget, examples, kind_of, learnt, served, small

#: What learns logarithms takes a target from zero up, whose zero is where it is.
REGRESSIONS = [
    name
    for name, task in CASES
    if task == "regression" and not LOG_LINK.issuperset(kind_of(name).losses.get("regression", ("other",)))
]
#: Epoch seconds, cents of a state, masses of atoms and of stars.
UNITS = [
    (1.0, 1_700_000_000.0),
    pytest.param(1.0, -(2.0**45), marks=pytest.mark.nightly),
    pytest.param(1e-30, 0.0, marks=pytest.mark.nightly),
    (1e25, 1e27),
]


def in_unit(rows: Examples, unit: float, zero: float) -> Examples:
    return Examples(rows.x, rows.y * unit + zero)


@pytest.mark.parametrize(("unit", "zero"), UNITS)
@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_target_of_any_size_is_learnt_alike(name: str, unit: float, zero: float) -> None:
    train, validation = (
        in_unit(examples(name, "regression", rows, seed), unit, zero) for rows, seed in ((400, 1), (200, 2))
    )
    trained = small(name).train(TASKS["regression"], train, validation, budget(), Watched())
    expected = learnt(name, "regression")[0].predict(validation.x)
    for found in (trained.predict(validation.x), served(trained.to_onnx(), validation.x)):
        apart = numpy.abs((found - zero) / unit - expected)
        # Splits that are as good as one another fall out either way; networks are chaotic.
        assert numpy.mean(apart) < 0.05 * expected.std()


@pytest.mark.parametrize("name", REGRESSIONS)
def test_rows_that_single_precision_takes_for_one_are_told_apart(name: str) -> None:
    if kind_of(name).examples.column is not None:
        return
    x = numpy.linspace(-1, 1, 401, dtype=numpy.float32)[:, None]
    rows = Examples(x, 1_700_000_000 + 100.0 * numpy.sign(x[:, 0]))
    trained = small(name).train(TASKS["regression"], rows, rows, budget(epochs=60), Watched())
    for found in (trained.predict(x), served(trained.to_onnx(), x)):
        assert numpy.corrcoef(found, rows.y)[0, 1] > 0.8
        assert numpy.abs(found - rows.y).mean() < 60


@pytest.mark.parametrize("loss", ["mean_squared_error", "mean_absolute_error"])
def test_xgboost_holds_back_in_the_unit_of_the_target(loss: str) -> None:
    """`gamma` and `reg_alpha` mean what they mean in XGBoost, which knows nothing of our scale."""
    import xgboost

    train, validation = examples("xgboost", "regression", 400, 1), examples("xgboost", "regression", 200, 2)
    scale = Scale.of(train.y)
    centred, watched = (Examples(rows.x, rows.y - scale.mean) for rows in (train, validation))
    model = Xgboost(n_estimators=20, gamma=900_000, reg_alpha=2000.0)
    objective = {"mean_squared_error": "reg:squarederror", "mean_absolute_error": "reg:absoluteerror"}[loss]
    own = model.model_dump(exclude={"monotone", "n_estimators", "tweedie_variance_power"})
    rows = xgboost.DMatrix(centred.x, label=centred.y)
    plain = xgboost.train({**own, "objective": objective, "seed": 7, "tree_method": "hist"}, rows, 20)
    told = Watched()
    trained = model.train(TASKS["regression"], centred, watched, budget(loss=loss, patience=0), told)
    expected = plain.inplace_predict(train.x)
    numpy.testing.assert_allclose(trained.predict(train.x), expected, rtol=1e-4, atol=1e-3 * scale.deviation)
    measure = numpy.abs(centred.y - expected).mean()
    if loss == "mean_squared_error":
        measure = numpy.sqrt(numpy.mean((centred.y - expected) ** 2))
    assert told.losses[-1]["train_loss"] == pytest.approx(measure, rel=1e-3)


@pytest.mark.parametrize("y", [[5.0, 5.0], [1e308, -1e308], [1e-320, 0.0], [0.0, 0.0]])
def test_every_target_has_a_scale(y: list[float]) -> None:
    targets = numpy.array(y)
    scale = Scale.of(targets)
    assert numpy.isfinite([scale.mean, scale.deviation]).all()
    assert scale.deviation > 0
    numpy.testing.assert_allclose(scale.restored(scale.scaled(targets)), targets)
