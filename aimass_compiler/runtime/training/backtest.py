"""Backtesting: a model is trained again on all that lies before a window, and forecasts the window.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, chapter 5.10 (time series
cross-validation), https://otexts.com/fpp3/tscv.html
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy
from msgspec.structs import replace

from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.forecast import SeriesRows
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.evaluation.forecasts import interval_widths, seasonal_naive
from aimass_compiler.runtime.evaluation.measures import finite
from aimass_compiler.runtime.evaluation.predictions import Predictions, scores_of
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training.sample_weights import emphasized
from aimass_compiler.timestamps import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.forecast import Backtest, Forecast
    from aimass_compiler.runtime.training.trial import Assignment, Fitted


def backtested(assignment: Assignment, fitted: Fitted, checkpoint: Path) -> dict[str, Any] | None:
    """What the chosen parameters reach in each window, and the intervals that follow; None if none is wanted.

    Raises StageFailure where there is no room for the windows before the test split.
    """
    forecast = assignment.task.forecast
    if forecast is None or forecast.backtest is None:
        return None
    rows = _together(
        read_examples(assignment.matrices, "train"), read_examples(assignment.matrices, "validation")
    )
    steps = _places(rows, forecast)
    metric, windows, parts = assignment.metric, [], []
    for number, origin in enumerate(_origins(rows, steps, forecast, forecast.backtest), start=1):
        started = time.monotonic()
        ahead = rows.at(numpy.flatnonzero(steps.origin == origin))
        trained = _trained(assignment, fitted, rows, steps.target, origin, checkpoint.with_name(f"{number}"))
        found = Predictions(numpy.asarray(ahead.y), trained(ahead.x), ahead.weights, ahead.series)
        parts.append(found)
        windows.append(
            {
                "origin": text(float(ahead.series.origin[0])),  # type: ignore[union-attr]  # it is a forecast's
                "rows": len(found.truth),
                assignment.objective.metric: finite(found.measured(metric, assignment.task)),
                "seasonal_naive": finite(seasonal_naive(found).measured(metric, assignment.task)),
                "seconds": round(time.monotonic() - started, 3),
            }
        )
    widths = interval_widths(forecast, _all(parts))
    interval = {"level": widths.level, "widths": list(widths.widths), "least_spread": widths.least_spread}
    return {"metric": assignment.objective.metric, "windows": windows, "interval": interval}


def window_lines(tested: Mapping[str, Any]) -> Iterator[str]:
    """The windows for people."""
    for number, window in enumerate(tested["windows"], start=1):
        found, naive = (window[name] for name in (tested["metric"], "seasonal_naive"))
        beside = "" if naive is None else f", and {naive:.4g} for the seasonal naive forecast"
        value = "not defined" if found is None else f"{found:.4g}"
        yield f"window {number}, from {window['origin']}: {tested['metric']} {value}{beside}"


class _Steps:
    """When each row's origin and truth are, counted in steps."""

    def __init__(self, origin: NDArray[numpy.int64], target: NDArray[numpy.int64]) -> None:
        self.origin = origin
        self.target = target


def _places(rows: Examples, forecast: Forecast) -> _Steps:
    assert rows.series is not None  # noqa: S101  # a forecast's rows have them
    seconds = rows.series.origin
    if forecast.seconds is None:
        origin = seconds.astype("datetime64[s]").astype("datetime64[M]").astype(numpy.int64)
    else:
        origin = numpy.floor(seconds / forecast.seconds).astype(numpy.int64)
    return _Steps(origin, origin + rows.series.step)


def _origins(rows: Examples, steps: _Steps, forecast: Forecast, backtest: Backtest) -> Sequence[int]:
    """The origins of the windows, from the first to the last, each followed by a whole horizon."""
    assert rows.series is not None  # noqa: S101  # as above
    whole = numpy.unique(steps.origin[rows.series.step == forecast.horizon])[::-1].tolist()
    apart = backtest.step_size or forecast.horizon
    found: list[int] = []
    for origin in whole:
        if len(found) < backtest.windows and (not found or origin <= found[-1] - apart):
            found.append(origin)
    earliest = int(steps.target.min()) + 2 * forecast.horizon
    if len(found) < backtest.windows or found[-1] < earliest:
        room = sum(origin >= earliest for origin in found)
        raise StageFailure(
            ExitCode.TRAINING,
            f"the past before the test split has room for {room} windows of the backtest, "
            f"not {backtest.windows}",
            "ask for fewer `windows`, or a smaller `step_size`",
        )
    return found[::-1]


def _trained(
    assignment: Assignment,
    fitted: Fitted,
    rows: Examples,
    target: NDArray[numpy.int64],
    origin: int,
    checkpoint: Path,
) -> Any:
    """The scores of a model that knows nothing later than an origin.

    The last horizon before it says when training ends, as the validation split does otherwise.
    """
    forecast = assignment.task.forecast
    known = origin - (0 if forecast is None else forecast.horizon)
    train = rows.at(numpy.flatnonzero(target <= known))
    watched = rows.at(numpy.flatnonzero((target > known) & (target <= origin)))
    budget = assignment.budget(fitted.training, checkpoint)
    trained = fitted.model.train(
        assignment.task,
        *emphasized(assignment.task, fitted.training, train, watched),
        budget,
        lambda *_: False,
    )
    return lambda x: scores_of(trained.predict, x)


def _all(parts: Sequence[Predictions]) -> Predictions:
    """The forecasts of all windows."""
    joined = {
        name: numpy.concatenate([getattr(part.series, name) for part in parts])
        for name in SeriesRows.__struct_fields__
    }
    truth, scores = (
        numpy.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "scores")
    )
    return Predictions(truth, scores, series=SeriesRows(**joined))


def _together(*parts: Examples) -> Examples:
    """The rows of several splits, in memory."""
    whole = [part.at(numpy.arange(len(part.y))) for part in parts]
    series = {
        name: numpy.concatenate([getattr(part.series, name) for part in whole])
        for name in SeriesRows.__struct_fields__
    }
    weights = [part.weights for part in whole if part.weights is not None]
    return replace(
        whole[0],
        x=_stacked([part.x for part in whole]),
        y=numpy.concatenate([part.y for part in whole]),
        weights=numpy.concatenate(weights) if len(weights) == len(whole) else None,
        series=SeriesRows(**series),
    )


def _stacked(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], FeatureMatrix):
        return FeatureMatrix(parts[0].layout, numpy.concatenate([part.rows for part in parts]))
    return numpy.concatenate(parts)
