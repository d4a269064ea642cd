"""The reference of what is predicted: its distribution on the test split, to notice drift in serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.runtime.reference import number_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task, Thresholds


def served_reference(learned: Mapping[str, Any]) -> dict[str, Any]:
    """What serving compares with: the inputs, and not the targets, which no request has."""
    return {name: value for name, value in learned.items() if name != "targets"}


def prediction_reference(
    task: Task, served: NDArray[numpy.floating], threshold: Thresholds | None
) -> dict[str, Any]:
    """The shares of the labels, or of the predictions in bins between deciles."""
    if task.forecast is not None:
        served = served.mean(axis=1)
    if not task.is_classification:
        return number_reference(polars.Series(served.astype(numpy.float64)))
    decided = task.decided(served, threshold)
    if task.is_multilabel:
        return {
            "kind": "labels",
            "values": list(task.classes),
            "fractions": [float(share) for share in decided.mean(axis=0)],
        }
    counts = numpy.bincount(decided, minlength=len(task.classes))
    return {
        "kind": "category",
        "values": list(task.classes),
        "fractions": [float(count / len(served)) for count in counts],
        "other": 0.0,
        "missing": 0.0,
    }
