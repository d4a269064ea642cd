"""The threshold of the labels, as a spec gives it, or as the validation split has it chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.catalog.metric import RankedRows
from aimass_compiler.runtime.evaluation.measures import finite, metrics_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.decision import Decision, ThresholdRule
    from aimass_compiler.runtime.evaluation.predictions import Predictions

#: Thresholds that are tried where a metric is to be as good as possible.
_MOST_TRIED = 200
_MOST_DECIMALS = 12
#: Sums of weights are equal when they differ by less.
_ALIKE = 1e-9


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and what the labels of the validation split are with it."""

    threshold: float
    rule: str
    """By what it was chosen, in words; "" where the spec gives it."""
    is_met: bool
    """Whether some threshold does what the rule asks for; if none does, this one comes nearest."""
    recall: float | None
    precision: float | None
    share: float
    """The share of the rows that is given the positive class."""

    def shown(self, task: Task) -> str:
        """The line for people."""
        asked = self.rule or "as `evaluation.decision` says"
        if not self.is_met:
            asked = f"no threshold has {self.rule}, this one comes nearest"
        found = ", ".join(
            f"{name} {value:.4g}"
            for name, value in (("recall", self.recall), ("precision", self.precision))
            if value is not None
        )
        of = "probability" if task.has_target else "score"
        return (
            f"`{task.positive}` from a {of} of {self.threshold} on ({asked}): on the validation "
            f"split {found}{', ' if found else ''}{self.share:.1%} of the rows are given `{task.positive}`"
        )

    def shortfall(self, task: Task) -> str:
        """That no threshold does what the rule asks for, and what comes nearest."""
        return (
            f"no threshold has {self.rule} on the validation split: at {self.threshold:g}, which comes "
            f"nearest, precision of {task.positive} is {self.precision or 0:.4g}"
        )

    def document(self, task: Task) -> dict[str, Any]:
        """What verdict.json holds of it."""
        return {
            "positive": task.positive,
            "threshold": self.threshold,
            "rule": self.rule,
            "validation": {"recall": self.recall, "precision": self.precision, "share": self.share},
        }


@dataclass(frozen=True)
class ChosenThresholds:
    """The threshold of each of several labels, in their order."""

    of_labels: Mapping[str, ChosenThreshold]

    @property
    def threshold(self) -> tuple[float, ...]:
        """The thresholds, [L]."""
        return tuple(each.threshold for each in self.of_labels.values())

    @property
    def is_met(self) -> bool:
        """Whether every label has a threshold that does what its rule asks for."""
        return all(each.is_met for each in self.of_labels.values())

    def shown(self, task: Task) -> str:
        """The lines for people."""
        each = zip(self.of_labels.items(), range(task.outputs), strict=True)
        return "\n".join(f"{name}: {found.shown(task.of_label(at))}" for (name, found), at in each)

    def shortfall(self, task: Task) -> str:
        """The labels of which no threshold does what its rule asks for."""
        each = zip(self.of_labels.items(), range(task.outputs), strict=True)
        return "; ".join(
            f"{name}: {found.shortfall(task.of_label(at))}" for (name, found), at in each if not found.is_met
        )

    def document(self, task: Task) -> dict[str, Any]:
        """What verdict.json holds of them."""
        each = zip(self.of_labels.items(), range(task.outputs), strict=True)
        labels = {name: found.document(task.of_label(at)) for (name, found), at in each}
        return {"threshold": list(self.threshold), "labels": labels}


def chosen(decision: Decision, task: Task, validation: Predictions) -> ChosenThreshold | ChosenThresholds:
    """The threshold that is given, or that the scores of the validation split lead to, always the same."""
    if not task.is_multilabel:
        return _chosen(decision, task, validation)
    return ChosenThresholds(
        {
            name: _chosen(decision.of_label(name), task.of_label(at), validation.of_label(at))
            for at, name in enumerate(task.classes)
        }
    )


def _chosen(decision: Decision, task: Task, validation: Predictions) -> ChosenThreshold:
    rule = decision.rule
    threshold, is_met = (
        (float(decision.threshold), True) if rule is None else _by(rule, task, validation)  # type: ignore[arg-type]  # a number, where there is no rule
    )
    rows = validation.decided(threshold)
    recall, precision = (
        finite(rows.measured(metric, task)) if task.has_target else None
        for metric in metrics_named(["recall", "precision"]).values()
    )
    is_positive = rows.labels(task) == task.judged[0]
    share = float(numpy.average(is_positive, weights=rows.weights))
    return ChosenThreshold(threshold, "" if rule is None else str(rule), is_met, recall, precision, share)


def _threshold(ranks: RankedRows, place: int) -> float:
    """A threshold that gives the class to the rows up to a place, also once rounded to single precision."""
    high = 1.0 if place == 0 else float(ranks.probabilities[place - 1])
    low = 0.0 if place == len(ranks.probabilities) else float(ranks.probabilities[place])
    found = roundest(low, high)
    return found if low < numpy.float32(found) <= high else high


def _by(rule: ThresholdRule, task: Task, rows: Predictions) -> tuple[float, bool]:
    (positive,) = task.judged
    is_positive = rows.truth == positive if task.has_target else numpy.zeros(len(rows.scores), bool)
    ranks = RankedRows.of(is_positive, rows.scores[:, positive], rows.weights)
    name, wanted = rule.written
    precision = ranks.positives[1:] / ranks.rows[1:]
    match name:
        case "recall":
            enough = ranks.positives >= wanted * ranks.positives[-1] - _ALIKE
            return _threshold(ranks, max(1, int(enough.argmax()))), True
        case "top":
            enough = ranks.rows >= wanted * ranks.rows[-1] - _ALIKE
            return _threshold(ranks, max(1, int(enough.argmax()))), True
        case "precision":
            (right,) = numpy.nonzero(precision >= wanted - _ALIKE)
            place = 1 + int(right[-1] if len(right) else precision.argmax())
            return _threshold(ranks, place), bool(len(right))
        case "cost":
            missed = ranks.positives[-1] - ranks.positives
            wrong = ranks.rows - ranks.positives
            costs = wanted.false_positive * wrong + wanted.false_negative * missed
            return _threshold(ranks, int((costs <= costs.min() + _ALIKE).argmax())), True
    return _best(wanted, ranks, task, rows), True


def _best(name: str, ranks: RankedRows, task: Task, rows: Predictions) -> float:
    """The threshold with the best of a metric; of several as good the highest."""
    (metric,) = metrics_named([name]).values()
    sign = 1 if metric.greater_is_better else -1
    places = numpy.unique(numpy.linspace(1, len(ranks.probabilities), _MOST_TRIED).round().astype(int))
    tried = [_threshold(ranks, int(place)) for place in places]

    def goodness(threshold: float) -> tuple[float, float]:
        value = finite(rows.decided(threshold).measured(metric, task))
        return (-numpy.inf if value is None else sign * value), threshold

    return max(tried, key=goodness)


def roundest(low: float, high: float) -> float:
    """The number of fewest decimals well between two probabilities, so that no row lies on it.

    The middle half of the gap is free of what single precision and another machine may move.
    """
    inner, outer = low + (high - low) / 4, high - (high - low) / 4
    for decimals in range(1, _MOST_DECIMALS):
        found = round((low + high) / 2, decimals)
        if inner <= found <= outer:
            return found
    return (low + high) / 2
