"""The points that `dvc plots` draws: curves of classes and a confusion matrix, or residuals."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray

from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.metric import RankedRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.evaluation.predictions import Predictions

_POINTS = 500
_LEAST_POINTS = 10

#: Into how many parts rows are put to see whether probabilities are shares.
_PARTS = 10

Row = tuple[Any, ...]
Flags = NDArray[numpy.bool_]
Shares = NDArray[numpy.floating]
#: From the rows of a class and its probabilities to the points of a line.
Curve = Callable[[Flags, Shares], tuple[Shares, Shares]]


def write_curve(path: Path, task: Task, predictions: Predictions) -> None:
    """Write ROC points by class (of two only the positive one's), or predicted values and residuals."""
    if task.is_classification:
        _write(path, ("false_positive_rate", "true_positive_rate", "class"), _roc(task, predictions))
        return
    residuals = predictions.truth - predictions.scores
    kept = _evenly(len(residuals), _POINTS)
    points = zip(predictions.scores[kept].tolist(), residuals[kept].tolist(), strict=True)
    _write(path, ("predicted", "residual"), points)


def write_nothing(path: Path, task: Task, predictions: Predictions) -> None:
    """Write the header of a table without columns that say anything: without a target there is no error."""
    del task, predictions
    _write(path, ("row",), ())


def write_confusion(path: Path, task: Task, predictions: Predictions) -> None:
    """Write the actual and the predicted class of every row; of numbers and labels only the header."""
    rows: Iterable[Row] = ()
    if task.is_classification and not task.is_multilabel:
        names = numpy.asarray(task.classes, dtype=object)
        chosen = predictions.labels(task)
        rows = zip(names[predictions.truth.astype(numpy.int64)], names[chosen], strict=True)
    _write(path, ("actual", "predicted"), rows)


def write_precision_recall(path: Path, task: Task, predictions: Predictions) -> None:
    """Write precision by recall of each class (of two the positive one); of a regression only the header."""
    rows: Iterable[Row] = ()
    if task.is_classification:
        from sklearn.metrics import precision_recall_curve

        def curve(of_class: Flags, likely: Shares) -> tuple[Shares, Shares]:
            precision, recall, _ = precision_recall_curve(of_class, likely)
            return recall[::-1], precision[::-1]

        rows = _of_classes(task, predictions, curve)
    _write(path, ("recall", "precision", "class"), rows)


def write_gain(path: Path, task: Task, predictions: Predictions) -> None:
    """Write which share of a class is found in which share of the rows, the likeliest ones first."""

    def curve(of_class: Flags, likely: Shares) -> tuple[Shares, Shares]:
        ranks = RankedRows.of(of_class, likely, None)
        return ranks.rows / ranks.rows[-1], ranks.positives / ranks.positives[-1]

    rows = _of_classes(task, predictions, curve) if task.is_classification else ()
    _write(path, ("rows", "found", "class"), rows)


def write_calibration(path: Path, task: Task, predictions: Predictions) -> None:
    """Write which share of the rows is of a class, by their mean probability, in ten parts as large."""

    def curve(of_class: Flags, likely: Shares) -> tuple[Shares, Shares]:
        parts = [
            part for part in numpy.array_split(numpy.argsort(likely, kind="stable"), _PARTS) if len(part)
        ]
        found = numpy.array([(likely[part].mean(), of_class[part].mean()) for part in parts])
        return found[:, 0], found[:, 1]

    rows = _of_classes(task, predictions, curve) if task.is_classification else ()
    _write(path, ("probability", "share", "class"), rows)


def confusion(task: Task, predictions: Predictions) -> list[list[int]]:
    """How many rows of each class (the outer list) are given each class."""
    places = predictions.truth.astype(numpy.int64) * task.outputs + predictions.labels(task)
    counts = numpy.bincount(places, minlength=task.outputs**2).reshape(task.outputs, task.outputs)
    found: list[list[int]] = counts.tolist()
    return found


def _roc(task: Task, predictions: Predictions) -> Iterable[Row]:
    from sklearn.metrics import roc_curve  # half a second that regressions need not wait

    def curve(of_class: Flags, likely: Shares) -> tuple[Shares, Shares]:
        false, true, _ = roc_curve(of_class, likely)
        return false, true

    return _of_classes(task, predictions, curve)


def _of_classes(task: Task, predictions: Predictions, curve: Curve) -> Iterator[Row]:
    """Points of the curve of each class that is judged and that some rows have, and others have not."""
    most = max(_LEAST_POINTS, _POINTS // max(1, len(task.judged)))
    for number in task.judged:
        of_class = task.is_of(number, predictions.truth)
        if of_class.all() or not of_class.any():
            continue
        x, y = curve(of_class, predictions.scores[:, number])
        for point in _evenly(len(x), most):
            yield float(x[point]), float(y[point]), task.classes[number]


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
