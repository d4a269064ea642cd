"""Two models on the same rows: how far apart a metric is, and how much of that could be chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aimass_compiler.runtime.evaluation.confidence import interval
from aimass_compiler.runtime.evaluation.measures import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.evaluation.written_answers import WorseAnswer

_SAMPLES = 1_000


@dataclass(frozen=True)
class BaselineComparison:
    """A metric of the released model and of the new one on the same rows."""

    released: float
    difference: float
    """The new one's value less the released one's."""
    low: float | None
    high: float | None
    """Between which the difference lies with a confidence of 95 %; None where that cannot be determined."""
    rows: int
    greater_is_better: bool

    @property
    def advantage(self) -> float:
        """How much better the new one is; negative where it is worse."""
        return self.difference if self.greater_is_better else -self.difference

    def numbers(self) -> dict[str, Any]:
        """What metrics.json holds of it."""
        return {"value": self.released, "difference": self.difference, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        """The difference in words: `0.09 worse (95 % interval of the difference: -0.11 to -0.07)`."""
        word = "better" if self.advantage > 0 else "worse"
        message = f"{abs(self.difference):.3g} {word}" if self.difference else "the same"
        if self.low is None or self.high is None:
            return f"{message} (too few rows for an interval)"
        chance = ", so it may be chance" if self.low <= 0 <= self.high and self.difference else ""
        return f"{message} (95 % interval of the difference: {self.low:+.3g} to {self.high:+.3g}{chance})"


@dataclass(frozen=True)
class NoReleasedBaseline:
    """That there is no released model to compare with; its reason is why."""

    reason: str


@dataclass(frozen=True)
class ReleasedBaseline:
    """The released model beside the new one."""

    version: str
    environment: str
    obstacle: str = ""
    """Why it cannot be asked about today's rows, and what to do about it."""
    comparisons: Mapping[tuple[str, str], BaselineComparison] = field(default_factory=dict)
    """By metric and split, those that gates ask for."""
    worse: tuple[WorseAnswer, ...] = ()
    """Of written answers, those that are worse than its own, on the splits that gates compare."""

    def numbers(self) -> dict[str, Any]:
        """What metrics.json holds of it: its version, and below each split its metrics."""
        found: dict[str, Any] = {"version": self.version}
        for (metric, split), comparison in self.comparisons.items():
            found.setdefault(split, {})[metric] = comparison.numbers()
        return found


def compare(metric: Metric, task: Task, new: Predictions, old: Predictions) -> BaselineComparison | None:
    """A metric of two models on the same rows; None where it is not defined for both.

    The interval is that of a paired bootstrap (Efron & Tibshirani 1993, chapter 13): both are measured
    on the same samples of the rows, so that what makes rows hard counts for both alike.
    """

    def difference(rows: NDArray[numpy.int64]) -> float:
        return new.at(rows).measured(metric, task) - old.at(rows).measured(metric, task)

    count = len(new.truth)
    value, before = (finite(found.measured(metric, task)) if count else None for found in (new, old))
    if value is None or before is None:
        return None
    low, high = interval(difference, count, _SAMPLES)
    return BaselineComparison(before, value - before, low, high, count, metric.greater_is_better)
