"""What every metric has: the task it judges, its direction, and scikit-learn's own function."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from msgspec import Struct

from aimass_compiler.catalog import Kind, OneOf, load, names
from aimass_compiler.catalog.task import Task, TaskKind

if TYPE_CHECKING:
    import numpy


class Metric(Kind):
    """A number that judges predictions."""

    task: ClassVar[TaskKind]
    greater_is_better: ClassVar[bool] = True
    #: Whether it is another number for each of two classes, as the recall of `yes` is not that of `no`.
    is_of_positive: ClassVar[bool] = False
    #: Whether it looks at the class alone that a row is given, and not at how likely it is.
    is_of_labels: ClassVar[bool] = False
    #: Whether it is measured of numbers divided by the scale of their series, which only forecasts have.
    is_scaled: ClassVar[bool] = False
    #: Whether it is the mean of scores of single written answers, from 0 to 1.
    is_of_answers: ClassVar[bool] = False
    #: Whether it compares each row with each, so that it is too slow for an interval by resampling.
    compares_all_rows: ClassVar[bool] = False
    #: Whether it only describes predictions: a better value does not mean a better model.
    only_describes: ClassVar[bool] = False
    #: Between which values it lies.
    lowest: ClassVar[float] = 0.0
    highest: ClassVar[float] = 1.0

    @abstractmethod
    def measure(
        self,
        task: Task,
        truth: numpy.ndarray,
        predicted: numpy.ndarray,
        weights: numpy.ndarray | None = None,
    ) -> float:
        """The metric of predictions ([N, K] probabilities or [N] numbers) against the truth ([N]).

        Of several labels, both are [N, L], and a metric of labels is given probabilities of 0 and 1. Where
        there is no target, the rows' features [N, F] are in the place of the truth.

        `weights` [N] say how much each row counts, where some count more than others.
        NaN where it is not defined, such as roc_auc of a slice with one class.
        """

    def unfit(self, task: Task) -> str | None:
        """Why it cannot judge this very task, which is of its kind; None where it can."""
        del task
        return None

    @property
    def name(self) -> str:
        """What tables, files and gates call it: with its parameters where it has some."""
        parameters = ", ".join(
            f"{name}={value if isinstance(value, str) else f'{value:g}'}" for name, value in self
        )
        return f"{self.kind}({parameters})" if parameters else self.kind

    def title(self, task: Task) -> str:
        """Its name for people, with the class that it is of: `recall of yes`."""
        return f"{self.name} of {task.positive}" if self.is_of_positive and task.is_binary else self.name


class MetricName(OneOf):
    """Annotates a string that names a metric: `roc_auc`, or `precision_at(top=0.1)` where it has parameters.

    Written as it is, or as any kind is: `{precision_at: {top: 0.1}}`.
    """

    def __init__(self) -> None:
        super().__init__("metrics")

    def _read(self, value: Any) -> Any:
        if not isinstance(value, str):
            return cast("Metric", super()._read(value)).name
        kind, parameters = _parts(value)
        return value if kind is None else cast("Metric", super()._read({kind: parameters})).name

    def _write(self, value: Any) -> Any:
        return value

    def _json_schema(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, super()._json_schema(schema, handler)]}


_NAME = re.compile(r"(?P<kind>\w+)(?:\((?P<parameters>.*)\))?")


def _parts(name: str) -> tuple[str | None, dict[str, float | str]]:
    """The kind and the parameters that a name is made of; no kind where there is none of that name."""
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] not in names("metrics"):
        return None, {}
    pairs = (part.partition("=") for part in (found["parameters"] or "").split(",") if part.strip())
    return found["kind"], {key.strip(): _number(value.strip()) for key, _, value in pairs}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # which the parameter refuses in its own words


def metric_kind(name: str) -> type[Metric] | None:
    """The kind of the metric of this name, if there is one."""
    kind, _ = _parts(name)
    return None if kind is None else cast("type[Metric]", load("metrics", kind))


def metric_named(name: str) -> Metric:
    """The metric of this name, with its parameters. Raises LookupError where there is none."""
    kind, parameters = _parts(name)
    if kind is None:
        raise LookupError(name)
    return cast("type[Metric]", load("metrics", kind)).model_validate(parameters)


def with_deviation(mean: str, deviation: float | None) -> str:
    """A mean of several trainings for people, beside its standard deviation: `0.91 ± 0.012`."""
    return mean if deviation is None else f"{mean} ± {deviation:.2g}"


def metric_title(name: str, task: Task) -> str:
    """A metric's name for people, with the class that it is of; one that there is not as it is written."""
    return name if metric_kind(name) is None else metric_named(name).title(task)


def is_of_labels(name: str) -> bool:
    """Whether a metric of this name looks at labels alone; one that there is not does not."""
    kind = metric_kind(name)
    return kind is not None and kind.is_of_labels


def _of_classes(
    score: Callable[[numpy.ndarray, numpy.ndarray], float],
    task: Task,
    truth: numpy.ndarray,
    predicted: numpy.ndarray,
) -> float:
    """The mean over the judged classes of a score of which rows are of one [N] and how likely each is [N].

    Only classes that some rows have and others have not can be ranked; without one, NaN.
    """
    found = [
        score(truth == number, predicted[:, number])
        for number in task.judged
        if 0 < int((truth == number).sum()) < len(truth)
    ]
    defined = [value for value in found if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else float("nan")


def of_ranks(
    score: Callable[[RankedRows], float],
    task: Task,
    truth: numpy.ndarray,
    predicted: numpy.ndarray,
    weights: numpy.ndarray | None,
) -> float:
    """A score of the rows from the likeliest on: of the positive class, or the mean of the classes' own.

    `truth` [N] are numbers of classes, `predicted` [N, K] probabilities; NaN where no class can be ranked.
    """
    return _of_classes(
        lambda is_positive, likely: score(RankedRows.of(is_positive, likely, weights)), task, truth, predicted
    )


class RankedRows(Struct, frozen=True):
    """The rows of two classes from the likeliest on, one place for each probability, as sums of weights."""

    probabilities: numpy.ndarray
    """The different probabilities, the highest first, [C]."""
    positives: numpy.ndarray
    """The positive rows up to each place, from 0 to all of them, [C + 1]."""
    rows: numpy.ndarray
    """All rows up to each place, [C + 1]."""

    @classmethod
    def of(cls, is_positive: numpy.ndarray, likely: numpy.ndarray, weights: numpy.ndarray | None) -> Self:
        """Rank rows [N] by the probability of being positive; rows that weigh nothing are left out."""
        import numpy

        counts = numpy.ones(len(likely)) if weights is None else weights
        is_positive, likely, counts = (part[counts > 0] for part in (is_positive, likely, counts))
        negated, place = numpy.unique(-likely, return_inverse=True)
        sums = [
            numpy.concatenate([[0.0], numpy.bincount(place, part).cumsum()])
            for part in (counts * is_positive, counts)
        ]
        return cls(-negated, *sums)

    @property
    def base(self) -> float:
        """The share of positive rows."""
        return float(self.positives[-1] / self.rows[-1])

    def gain(self, top: float) -> float:
        """The share of all positive rows that is in the top share of the rows.

        Of rows as likely as one another each is as likely in it, so that their order does not matter.
        """
        import numpy

        found = numpy.interp(top * self.rows[-1], self.rows, self.positives)
        return float(found / self.positives[-1])


def one_against_rest(
    score: Callable[..., float],
    task: Task,
    truth: numpy.ndarray,
    predicted: numpy.ndarray,
    weights: numpy.ndarray | None,
) -> float:
    """A ranking score of the positive class, or the mean over classes of each one against the rest.

    `truth` [N] are numbers of classes, `predicted` [N, K] probabilities; NaN where no class can be ranked.
    """
    return _of_classes(
        lambda is_positive, likely: float(score(is_positive, likely, sample_weight=weights)),
        task,
        truth,
        predicted,
    )


def of_label(
    metric: Metric,
    number: int,
    task: Task,
    truth: numpy.ndarray,
    predicted: numpy.ndarray,
    weights: numpy.ndarray | None,
) -> float:
    """A metric of two classes, of one of several labels: truth and probabilities are [N, L]."""
    import numpy

    own = predicted[:, number]
    scores = numpy.column_stack([1 - own, own])
    return metric.measure(task.of_label(number), truth[:, number], scores, weights)
