"""Which metrics a model is measured by, and their values on a split and on its slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler.catalog.metric import metric_named
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import CategoryColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Evaluation
    from aimass_compiler.pipeline.training import Objective
    from aimass_compiler.runtime.evaluation.predictions import Predictions

Measures = dict[str, float | None]

MISSING = "(missing)"
#: Of fewer rows a number says nothing.
SMALLEST_SLICE = 10


@dataclass(frozen=True)
class Measurements:
    """What is known about a trained model: its predictions by split and what the metrics say of them."""

    task: Task
    metrics: Mapping[str, Metric]
    predictions: Mapping[str, Predictions]
    measured: Mapping[str, Measures]

    @classmethod
    def of(
        cls, task: Task, metrics: Mapping[str, Metric], predictions: Mapping[str, Predictions]
    ) -> Measurements:
        """Measure every split."""
        measured = {split: measure(metrics, task, rows) for split, rows in predictions.items()}
        return cls(task, metrics, predictions, measured)

    def gap(self, metric: str) -> float | None:
        """How much better the metric is on the training split than on the validation split."""
        train, validation = self.measured["train"][metric], self.measured["validation"][metric]
        if train is None or validation is None:
            return None
        return train - validation if self.metrics[metric].greater_is_better else validation - train


def metrics_of(evaluation: Evaluation, objective: Objective) -> dict[str, Metric]:
    """The metrics by name: those that are asked for, then the objective's and the gates'."""
    gates = (gate.metric for gate in evaluation.gates)
    names = dict.fromkeys((*(evaluation.metrics or ()), objective.metric, *gates))
    return metrics_named(names)


def metrics_named(names: Iterable[str]) -> dict[str, Metric]:
    """The metrics of these names."""
    return {name: metric_named(name) for name in names}


def measure(metrics: Mapping[str, Metric], task: Task, predictions: Predictions) -> Measures:
    """Each metric's value, or None where it is not defined."""
    return {name: finite(predictions.measured(metric, task)) for name, metric in metrics.items()}


def shown(value: float) -> str:
    """A measured number as people read it."""
    return f"{value:.6g}"


def finite(value: float) -> float | None:
    """The number as JSON can hold it."""
    return float(value) if math.isfinite(value) else None


def measure_slices(
    measurements: Measurements, rows: polars.DataFrame, slices: Mapping[str, Column]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows and metrics of the test split by column and value; under 10 rows only a note."""
    predictions = measurements.predictions["test"]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, column in slices.items():
        found[name] = {}
        for value, inside in rows_by_value(rows, name, column).items():
            count = int(inside.sum())
            if count < SMALLEST_SLICE:
                found[name][value] = {"rows": count, "note": "too small to judge"}
            else:
                found[name][value] = {"rows": count} | measure(
                    measurements.metrics, measurements.task, predictions.at(inside)
                )
    return found


#: What is measured of each of several labels.
_OF_A_LABEL = ("precision", "recall", "f1", "roc_auc", "average_precision")


def measure_labels(task: Task, predictions: Predictions) -> dict[str, dict[str, Measures]]:
    """What metrics.json has of each label by itself, beside the share of rows that have it; else nothing."""
    if not task.is_multilabel:
        return {}
    metrics = metrics_named(_OF_A_LABEL)
    found = {}
    for number, name in enumerate(task.classes):
        share = predictions.share_of(task, number)
        own = measure(metrics, task.of_label(number), predictions.of_label(number))
        found[name] = {"share": share, **own}
    return {"labels": found}


def rows_by_value(rows: polars.DataFrame, name: str, column: Column) -> dict[str, NDArray[numpy.bool_]]:
    """Which rows have each value of a column, the declared values first."""
    values = values_of(rows, name).cast(polars.String).fill_null(MISSING)
    return {value: (values == value).to_numpy() for value in _values(values, column)}


def _values(values: polars.Series, column: Column) -> Iterator[str]:
    """The declared values in their order, then the others sorted."""
    declared = (column.values or ()) if isinstance(column, CategoryColumn) else ()
    yield from declared
    yield from sorted(set(values.unique()) - set(declared))
