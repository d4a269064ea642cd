"""What scores of clusters have in common: the rows, and the cluster that each is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy


def score_of(
    score: Callable[..., Any], rows: numpy.ndarray, predicted: numpy.ndarray, **options: Any
) -> float:
    """A score of scikit-learn for rows [N, F] and their shares of clusters [N, K]; NaN for one cluster."""
    import numpy

    labels = predicted.argmax(axis=1)
    found = len(numpy.unique(labels))
    if not 1 < found < len(labels):
        return float("nan")
    return float(score(numpy.asarray(rows, numpy.float64), labels, **options))
