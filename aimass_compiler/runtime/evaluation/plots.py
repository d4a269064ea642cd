"""The points that `dvc plots` draws: ROC curves and a confusion matrix, or residuals."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.workspace import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.task import Task

_POINTS = 500
_LEAST_POINTS = 10

Row = tuple[Any, ...]


def write_curve(path: Path, task: Task, predictions: Predictions) -> None:
    """Write ROC points by class (of two only the positive one's), or predicted values and residuals."""
    if task.is_classification:
        _write(path, ("false_positive_rate", "true_positive_rate", "class"), _roc(task, predictions))
        return
    residuals = predictions.truth - predictions.scores
    kept = _evenly(len(residuals), _POINTS)
    points = zip(predictions.scores[kept].tolist(), residuals[kept].tolist(), strict=True)
    _write(path, ("predicted", "residual"), points)


def write_confusion(path: Path, task: Task, predictions: Predictions) -> None:
    """Write the actual and the predicted class of every row; of a regression only the header."""
    rows: Iterable[Row] = ()
    if task.is_classification:
        names = numpy.asarray(task.classes, dtype=object)
        chosen = predictions.scores.argmax(axis=1)
        rows = zip(names[predictions.truth.astype(numpy.int64)], names[chosen], strict=True)
    _write(path, ("actual", "predicted"), rows)


def _roc(task: Task, predictions: Predictions) -> Iterable[Row]:
    from sklearn.metrics import roc_curve  # half a second that regressions need not wait

    most = max(_LEAST_POINTS, _POINTS // max(1, len(task.judged)))
    for number in task.judged:
        of_class = predictions.truth == number
        if of_class.all() or not of_class.any():
            continue
        false, true, _ = roc_curve(of_class, predictions.scores[:, number])
        for point in _evenly(len(false), most):
            yield float(false[point]), float(true[point]), task.classes[number]


def _evenly(count: int, most: int) -> Sequence[int]:
    """Places from the first to the last, evenly apart."""
    if count <= most:
        return range(count)
    return [int(place) for place in numpy.linspace(0, count - 1, most).round()]


def _write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
