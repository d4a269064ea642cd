"""Prediction intervals of a regression by split conformal prediction: as wide as held-out rows are off.

The radius is the ⌈(n + 1) · coverage⌉-th smallest absolute residual of the n rows of the validation split. Of
rows that are exchangeable with those, at least that share lies within the radius of its prediction, whatever
the model and the distribution.

Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, https://arxiv.org/abs/1604.04173
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.evaluation.confidence import conformal_quantile
from aimass_compiler.runtime.evaluation.gates import GateResult
from aimass_compiler.runtime.evaluation.measures import shown
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.pipeline.evaluation import PredictionIntervals
    from aimass_compiler.runtime.evaluation.predictions import Predictions

_METRIC = "prediction_intervals"


@dataclass(frozen=True)
class ConformalIntervals:
    """Intervals from a radius below each prediction to a radius above it."""

    coverage: float
    """The share of rows that was asked for."""
    radius: float
    rows: int
    """How many rows the radius was found on."""
    covered: Mapping[str, float]
    """The share of each split's rows within their intervals; that of test is the honest one."""

    @property
    def shown(self) -> str:
        """The line for people."""
        return (
            f"prediction intervals: ± {shown(self.radius)}, found on {self.rows:,} validation rows for "
            f"{self.coverage:.4g}; of the test rows {shown(self.covered['test'])} are within"
        )

    def document(self) -> dict[str, Any]:
        """What metrics.json holds of it."""
        return asdict(self)


def conformal(
    wanted: PredictionIntervals | None, predictions: Mapping[str, Predictions]
) -> ConformalIntervals | None:
    """The intervals of the validation split, where some are wanted.

    Raises StageFailure where it has too few rows for them.
    """
    if wanted is None:
        return None
    validation = predictions["validation"]
    count = len(validation.truth)
    radius = conformal_quantile(_residuals(validation), float(wanted.coverage))
    if radius is None:
        least = math.ceil(wanted.coverage / (1 - wanted.coverage))
        raise StageFailure(
            ExitCode.DATA,
            f"the validation split has {count:,} rows, and prediction intervals of {wanted.coverage:g} "
            f"need at least {least:,}",
            "give the validation split more rows, or ask for a smaller `evaluation.intervals.coverage`",
        )
    covered = {split: float((_residuals(rows) <= radius).mean()) for split, rows in predictions.items()}
    return ConformalIntervals(wanted.coverage, radius, count, covered)


def _residuals(rows: Predictions) -> numpy.ndarray:
    found: numpy.ndarray = numpy.abs(rows.truth.astype(numpy.float64) - rows.scores)
    return found


def judge_intervals(
    wanted: PredictionIntervals | None, found: ConformalIntervals | None
) -> Iterator[GateResult]:
    """The gates of intervals, where there are some: how many test rows lie within, and how wide they are."""
    if wanted is None or found is None:
        return
    covered, width = found.covered["test"], 2 * found.radius
    if wanted.min is not None:
        yield _result("coverage", f"min {wanted.min:g}", covered, passed=covered >= wanted.min)
    if wanted.max_width is not None:
        yield _result("width", f"max {wanted.max_width:g}", width, passed=width <= wanted.max_width)


def _result(what: str, condition: str, value: float, *, passed: bool) -> GateResult:
    name = f"{what} of prediction intervals"
    asked = "" if passed else f", but the gate asks for {condition}"
    reason = f"{name} on the test split is {shown(value)}{asked}"
    return GateResult(_METRIC, name, "test", condition, value, passed, reason)


def is_of_intervals(judged: GateResult) -> bool:
    """Whether a gate is one of these."""
    return judged.metric == _METRIC
