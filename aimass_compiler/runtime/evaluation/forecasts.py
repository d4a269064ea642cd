"""How good a forecast is beside the seasonal naive one, and how wide its prediction intervals are.

Intervals are split conformal: half the width of a step is the quantile of what forecasts were off, in units
of how much each history varies (Lei et al. 2018, Distribution-Free Predictive Inference for Regression, 5.2:
https://arxiv.org/abs/1604.04173). They need no assumption about how errors are distributed, but that the
future is like the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.catalog.forecast import Forecast, IntervalWidths, SeriesRows
from aimass_compiler.runtime.evaluation.confidence import conformal_quantile
from aimass_compiler.runtime.evaluation.measures import measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.evaluation.predictions import Predictions

#: A history counts as varying by at least this share of what they vary by on average.
_LEAST_SHARE = 0.01


def seasonal_naive(predictions: Predictions) -> Predictions:
    """The same rows as the seasonal naive forecast has them: the last season, repeated."""
    return predictions.scored(_places(predictions).naive)


def interval_widths(forecast: Forecast, predictions: Predictions) -> IntervalWidths:
    """The widths with which so many of these rows lie within their intervals, by step."""
    rows = _places(predictions)
    least = _LEAST_SHARE * float(rows.spread.mean()) or 1.0
    off = numpy.abs(predictions.truth - predictions.scores) / numpy.maximum(rows.spread, least)
    widths = [_quantile(off[rows.step == step], forecast.interval) for step in range(1, forecast.horizon + 1)]
    return IntervalWidths(forecast.interval, tuple(widths), least)


def _quantile(off: NDArray[numpy.float64], level: float) -> float:
    """The conformal quantile of the errors of a step; the largest one where they are few."""
    found = conformal_quantile(off, level)
    return float(off.max()) if found is None else found


def coverage(widths: IntervalWidths, predictions: Predictions) -> float:
    """The share of rows whose truth lies within the interval."""
    rows = _places(predictions)
    half = numpy.asarray(widths.widths)[rows.step - 1] * numpy.maximum(rows.spread, widths.least_spread)
    return float((numpy.abs(predictions.truth - predictions.scores) <= half).mean())


def forecast_report(
    task: Task,
    metrics: Mapping[str, Metric],
    predictions: Mapping[str, Predictions],
    widths: IntervalWidths,
    tested: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What metrics.json has of a forecast beside its metrics: baseline, windows, intervals, steps."""
    rows, forecast = predictions["test"], task.forecast
    assert forecast is not None  # noqa: S101  # who calls has one
    steps = _places(rows).step
    return {
        **({} if tested is None else {"backtest": tested["windows"]}),
        "baseline": {
            "seasonal_naive": {
                split: measure(metrics, task, seasonal_naive(found)) for split, found in predictions.items()
            }
        },
        "interval": {
            "level": widths.level,
            "widths": list(widths.widths),
            "least_spread": widths.least_spread,
            "coverage": {split: coverage(widths, predictions[split]) for split in ("validation", "test")},
        },
        "steps": {
            str(step): measure(metrics, task, rows.at(steps == step))
            for step in range(1, forecast.horizon + 1)
        },
    }


def widths_of(report: Mapping[str, Any]) -> IntervalWidths | None:
    """The widths that a report has, of a forecast or of a regression's intervals; None where it has none."""
    if regression := report.get("prediction_intervals"):
        return IntervalWidths(regression["coverage"], (regression["radius"],), least_spread=1.0)
    if "interval" not in report:
        return None
    found = report["interval"]
    return IntervalWidths(found["level"], tuple(found["widths"]), found["least_spread"])


def _places(predictions: Predictions) -> SeriesRows:
    if predictions.series is None:
        raise ValueError("these rows are not those of a forecast")
    return predictions.series
