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
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.task import Task

_CANDIDATES = 100
_USUAL = 0.5
#: From here on probabilities tell rows apart well enough for a threshold to be what is wrong.
_LEAST_ROC_AUC = 0.6
#: What is given up for the other.
_PRICES = {"recall": "precision", "precision": "recall"}


@dataclass(frozen=True)
class Elsewhere:
    """A threshold at which the labels would meet a gate."""

    threshold: float
    value: float
    price: str
    """The metric that is given up for it, as it would be there; "" for none."""


def tells_apart(task: Task, predictions: Predictions) -> bool:
    """Whether the probabilities of two classes tell the rows apart, whatever the labels say."""
    if not task.is_binary or not len(predictions.truth):
        return False
    (roc_auc,) = metrics_named(["roc_auc"]).values()
    return roc_auc.measure(task, predictions.truth, predictions.scores) >= _LEAST_ROC_AUC


def threshold_for(gate: Gate, metric: Metric, task: Task, predictions: Predictions) -> Elsewhere | None:
    """The threshold nearest to 0.5 at which the labels meet the gate's bounds, if rows are told apart at all.

    None for metrics of probabilities, and for other than two classes.
    """
    if not metric.is_of_labels or not tells_apart(task, predictions):
        return None
    probabilities = predictions.scores[:, task.judged[0]]
    candidates = numpy.unique(numpy.quantile(probabilities, numpy.linspace(0, 1, _CANDIDATES)))
    for threshold in sorted(map(float, candidates), key=lambda candidate: abs(candidate - _USUAL)):
        value = _at(threshold, metric, task, predictions)
        if value is not None and _is_met(gate, value):
            return Elsewhere(threshold, value, _price(gate.metric, threshold, task, predictions))
    return None


def _at(threshold: float, metric: Metric, task: Task, predictions: Predictions) -> float | None:
    """The metric of the labels at a threshold on the positive class's probability."""
    labels = numpy.zeros_like(predictions.scores)
    positive = task.judged[0]
    is_positive = predictions.scores[:, positive] >= threshold
    labels[:, positive], labels[:, 1 - positive] = is_positive, ~is_positive
    return finite(metric.measure(task, predictions.truth, labels))


def _is_met(gate: Gate, value: float) -> bool:
    return (gate.min is None or value >= gate.min) and (gate.max is None or value <= gate.max)


def _price(name: str, threshold: float, task: Task, predictions: Predictions) -> str:
    other = _PRICES.get(name)
    if other is None:
        return ""
    (metric,) = metrics_named([other]).values()
    value = _at(threshold, metric, task, predictions)
    return "" if value is None else f"{metric.title(task)} {value:.2g}"
