"""What the trained model says about the rows of a split, beside what was true."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from aimass_compiler.catalog.turns import turns_of
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    import polars

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.feature_matrix import FeatureMatrix
    from aimass_compiler.catalog.forecast import SeriesRows
    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task, Thresholds

#: Examples to scores, as an artifact gives them.
Scorer = Callable[[NDArray[numpy.float32]], NDArray[numpy.floating]]
#: Numbers given to the model at once: 16 MB of float32, whatever a row's size.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Predictions:
    """The rows of a split: class numbers as `truth` [N] and float32 `scores` [N, K], or float64, both [N].

    Of several labels, `truth` is 1 for each that a row has, else 0, [N, L]. Where there is no target, it
    holds the features [N, F]. Of written answers, `truth` has the right ones and `scores` records of
    `answer`, `log_probability` and `tokens`, both [N].
    """

    truth: NDArray[Any]
    scores: NDArray[Any]
    weights: NDArray[numpy.float64] | None = None
    """How much each row counts, [N]; None where all count alike."""
    series: SeriesRows | None = None
    """Of a forecast, where each row stands in its series."""
    threshold: Thresholds | None = None
    """From which probability on a row is given the positive one of two classes; None: it is the likeliest."""

    def labels(self, task: Task) -> NDArray[numpy.int64]:
        """The number of the class that each row is given, [N], or which labels, [N, L]."""
        return task.decided(self.scores, self.threshold)

    def of_label(self, number: int) -> Predictions:
        """The rows of one label, as those of two classes."""
        own = self.scores[:, number]
        scores = numpy.column_stack([1 - own, own])
        threshold = self.threshold[number] if isinstance(self.threshold, tuple) else self.threshold
        return replace(self, truth=self.truth[:, number], scores=scores, threshold=threshold)

    def at(self, rows: NDArray[Any]) -> Predictions:
        """Some of the rows: those of a mask, or those of these numbers, which may repeat."""
        weights = None if self.weights is None else self.weights[rows]
        series = None if self.series is None else self.series.at(rows)
        return replace(self, truth=self.truth[rows], scores=self.scores[rows], weights=weights, series=series)

    def decided(self, threshold: Thresholds) -> Predictions:
        """The same rows with labels by a threshold."""
        return replace(self, threshold=threshold)

    def scored(self, scores: NDArray[numpy.floating]) -> Predictions:
        """The same rows with other scores."""
        return replace(self, scores=scores)

    def measured(self, metric: Metric, task: Task) -> float:
        """What a metric says of the rows; NaN where it is not defined."""
        scores, truth = self.scores, self.truth
        if metric.is_scaled:
            if self.series is None:
                return math.nan
            truth, scores = truth / self.series.scale, scores / self.series.scale
        if metric.is_of_labels and (self.threshold is not None or task.is_multilabel):
            scores = task.as_scores(self.labels(task))
        return metric.measure(task, truth, scores, self.weights)

    def share_of(self, task: Task, number: int) -> float:
        """The share of the rows that are of a class, or have a label."""
        return float(numpy.average(task.is_of(number, self.truth), weights=self.weights))


def scores_of(scorer: Scorer, x: NDArray[numpy.float32] | FeatureMatrix) -> NDArray[numpy.floating]:
    """The scores [N] or [N, K] of rows [N, *shape], computed a chunk at a time."""
    rows = max(1, _CHUNK // max(1, math.prod(x.shape[1:])))
    return numpy.concatenate([scorer(x[start : start + rows]) for start in range(0, len(x), rows)])


def predict(scorer: Scorer, task: Task, examples: Examples, split: str) -> Predictions:
    """The scores of a split.

    Raises StageFailure when one of them is not a number.
    """
    scores = scores_of(scorer, examples.x)
    if not task.is_classification:
        scores = scores.reshape(-1)
    _require_finite(
        scores, split, "lower the learning rate or scale the features, such as with `standardize`"
    )
    return Predictions(truth_of(task, examples), scores, examples.weights, examples.series)


def truth_of(task: Task, examples: Examples) -> NDArray[Any]:
    """What predictions are held against: the targets [N], or where there are none, the features [N, F]."""
    return numpy.asarray(examples.y if task.has_target else examples.x[:])


def predict_rows(
    scorer: Callable[[polars.DataFrame], NDArray[Any]], task: Task, rows: polars.DataFrame, split: str
) -> Predictions:
    """What a model that reads prepared rows says of a split: probabilities [N, K], or a record of each.

    Raises StageFailure when a number of it is none.
    """
    scores = scorer(rows)
    _require_finite(scores, split, "lower the learning rate")
    answers: list[Any] = [each.answer for each in turns_of(rows, task)]
    if task.is_classification:
        return Predictions(numpy.array([task.classes.index(answer) for answer in answers]), scores)
    return Predictions(numpy.array(answers, object), scores)


def silent_rows(scores: NDArray[Any]) -> int:
    """Of how many rows a score, [N] or [N, K], is not finite; of written answers, a likelihood [N]."""
    numbers = scores["log_probability"] if scores.dtype.names else scores
    return int((~numpy.isfinite(numbers)).reshape(len(numbers), -1).any(axis=1).sum())


def _require_finite(scores: NDArray[Any], split: str, hint: str) -> None:
    broken = silent_rows(scores)
    if broken:
        message = f"the prediction of {broken:,} of the {len(scores):,} {split} rows is not a finite number"
        raise StageFailure(ExitCode.TRAINING, message, hint)
