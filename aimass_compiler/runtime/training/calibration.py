"""Fit on the validation split the curves that calibrate a model's probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.calibration import Calibration, Method, PiecewiseLinear, Sigmoid, log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task

    Numbers = NDArray[numpy.float64]

#: Points of a curve lie this far apart in log-odds at least. A steeper curve would make of what single
#: precision loses a difference that callers see.
_LEAST_GAP = 0.05
#: By how much a share may change at most where the probability changes by its last digit.
_LARGEST_JUMP = 5e-6
_LAST_DIGIT = 6e-8


def calibrated(
    method: Method,
    task: Task,
    scores: NDArray[numpy.float32],
    truth: NDArray[numpy.integer],
    weights: NDArray[numpy.float64] | None,
) -> Calibration:
    """The curves that fit probabilities [N, K] to the classes [N] or labels [N, L] best, one at a time."""
    counts = numpy.ones(len(truth)) if weights is None else weights
    find = _sigmoid if method == "sigmoid" else _steps
    return Calibration(
        tuple(find(log_odds(scores[:, number]), task.is_of(number, truth), counts) for number in task.judged)
    )


def _sigmoid(
    logits: NDArray[numpy.float64], of_class: NDArray[numpy.bool_], counts: NDArray[numpy.float64]
) -> Sigmoid:
    from sklearn.linear_model import LogisticRegression

    if of_class.all() or not of_class.any():
        return Sigmoid(1.0, 0.0)
    found = LogisticRegression(C=numpy.inf).fit(logits[:, None], of_class, counts)
    return Sigmoid(float(found.coef_[0, 0]), float(found.intercept_[0]))


def _steps(
    logits: NDArray[numpy.float64], of_class: NDArray[numpy.bool_], counts: NDArray[numpy.float64]
) -> PiecewiseLinear:
    """Rising steps, each at the centre of its rows, and far enough apart."""
    from sklearn.isotonic import IsotonicRegression

    places, inverse = numpy.unique(logits, return_inverse=True)
    sizes = numpy.bincount(inverse, counts)
    shares = numpy.bincount(inverse, counts * of_class) / numpy.maximum(sizes, 1e-300)
    heights = IsotonicRegression().fit(places, shares, sample_weight=sizes).predict(places)
    # No class is impossible or certain because of some hundred rows: one more could be of the other.
    least = 0.5 / (sizes.sum() + 1)
    points: list[tuple[float, float, float]] = []
    for step in numpy.split(numpy.arange(len(places)), numpy.flatnonzero(numpy.diff(heights)) + 1):
        size = float(sizes[step].sum())
        if size > 0:
            centre = float(numpy.average(places[step], weights=sizes[step]))
            _add(points, (centre, float(numpy.clip(heights[step[0]], least, 1 - least)), size))
    if len(points) == 1:
        points.append((points[0][0] + 1, *points[0][1:]))
    return PiecewiseLinear(tuple(point[0] for point in points), tuple(point[1] for point in points))


def _add(points: list[tuple[float, float, float]], new: tuple[float, float, float]) -> None:
    """Another point behind the others, put together with the last ones where it would be too near."""
    while points and _is_too_near(points[-1], new):
        last = points.pop()
        size = last[2] + new[2]
        new = (
            (last[0] * last[2] + new[0] * new[2]) / size,
            (last[1] * last[2] + new[1] * new[2]) / size,
            size,
        )
    points.append(new)


def _is_too_near(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    probabilities = [1 / (1 + numpy.exp(-point[0])) for point in (one, other)]
    digits = (probabilities[1] - probabilities[0]) / (_LAST_DIGIT * probabilities[1])
    return bool(other[0] - one[0] < _LEAST_GAP or abs(other[1] - one[1]) > _LARGEST_JUMP * digits)
