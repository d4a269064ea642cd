"""What another threshold on the probabilities would make of the labels.

The label of a row is its likeliest class. Where one of two classes is rare, that is hardly ever the rare
one, however well the probabilities tell the rows apart: labels miss a gate then that the model could meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.runtime.evaluation.measures import finite, metrics_named

if TYPE_CHECKING:
    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.predictions import Predictions

_CANDIDATES = 100
_USUAL = 0.5
#: From here on probabilities tell rows apart well enough for a threshold to be what is wrong.
_LEAST_ROC_AUC = 0.6
#: What is given up for the other.
_PRICES = {"recall": "precision", "precision": "recall"}


@dataclass(frozen=True)
class OtherThreshold:
    """A threshold at which the labels would meet a gate."""

    threshold: float
    value: float
    price: str
    """The metric that is given up for it, as it would be there; "" for none."""


def separates_classes(task: Task, predictions: Predictions) -> bool:
    """Whether the probabilities of two classes tell the rows apart, whatever the labels say."""
    if not task.is_binary or not len(predictions.truth):
        return False
    (roc_auc,) = metrics_named(["roc_auc"]).values()
    return predictions.measured(roc_auc, task) >= _LEAST_ROC_AUC


def threshold_for(gate: Gate, metric: Metric, task: Task, predictions: Predictions) -> OtherThreshold | None:
    """The threshold nearest to 0.5 at which the labels meet the gate's bounds, if rows are told apart at all.

    None for metrics of probabilities, and for other than two classes.
    """
    if not metric.is_of_labels or not separates_classes(task, predictions):
        return None
    for threshold in sorted(_candidates(task, predictions), key=lambda candidate: abs(candidate - _USUAL)):
        value = _at(threshold, metric, task, predictions)
        if value is not None and _is_met(gate, value):
            return OtherThreshold(threshold, value, _price(gate.metric, threshold, task, predictions))
    return None


def nearest_to(gate: Gate, metric: Metric, task: Task, predictions: Predictions) -> OtherThreshold | None:
    """The threshold at which the labels miss the gate's bound by least, where none meets it."""
    if not metric.is_of_labels or not separates_classes(task, predictions):
        return None
    sign = 1 if gate.min is not None else -1
    values = {
        threshold: value
        for threshold in _candidates(task, predictions)
        if (value := _at(threshold, metric, task, predictions)) is not None
    }
    best = max(values, key=lambda threshold: sign * values[threshold], default=None)
    if best is None:
        return None
    return OtherThreshold(best, values[best], _price(gate.metric, best, task, predictions))


def _candidates(task: Task, predictions: Predictions) -> list[float]:
    probabilities = predictions.scores[:, task.judged[0]]
    quantiles = numpy.quantile(probabilities, numpy.linspace(0, 1, _CANDIDATES))
    return [float(candidate) for candidate in numpy.unique(quantiles)]


def _at(threshold: float, metric: Metric, task: Task, predictions: Predictions) -> float | None:
    """The metric of the labels at a threshold on the positive class's probability."""
    return finite(predictions.decided(threshold).measured(metric, task))


def _is_met(gate: Gate, value: float) -> bool:
    return (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)


def _price(name: str, threshold: float, task: Task, predictions: Predictions) -> str:
    other = _PRICES.get(name)
    if other is None:
        return ""
    (metric,) = metrics_named([other]).values()
    value = _at(threshold, metric, task, predictions)
    return "" if value is None else f"{metric.title(task)} {value:.2g}"
