"""The gates: the conditions on a metric that a model must meet to be packaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aimass_compiler.pipeline.evaluation import CROSS_VALIDATION
from aimass_compiler.runtime.evaluation.comparison import NoReleasedBaseline, compare
from aimass_compiler.runtime.evaluation.confidence import interval
from aimass_compiler.runtime.evaluation.forecasts import seasonal_naive
from aimass_compiler.runtime.evaluation.measures import SMALLEST_SLICE, finite, shown
from aimass_compiler.runtime.evaluation.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.comparison import ReleasedBaseline
    from aimass_compiler.runtime.evaluation.measures import Measurements
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.evaluation.repeats import MetricSpread

#: Of a model that was trained once.
NO_REPEATS = Repeats({}, {})
_BEATS = "beats released"
_SAMPLES = 300


@dataclass(frozen=True)
class GateResult:
    """One condition of a gate, held against the numbers."""

    metric: str
    name: str
    """The metric for people, with the class that it is of."""
    split: str
    condition: str
    value: float | None
    """What was measured; for `overfit` how much better the training split is."""
    passed: bool
    reason: str
    slice: dict[str, str] | None = None
    """The column and the value of the rows that it was held on, where it was some of them."""
    low: float | None = None
    high: float | None = None
    """Between which the metric lies with a confidence of 95 %, as far as rows like these tell."""

    @property
    def is_of_released(self) -> bool:
        """Whether it holds the model against the released one."""
        return self.condition.startswith(_BEATS)

    @property
    def shown(self) -> str:
        """The gate for people, without the numbers: `recall of yes min 0.6`."""
        return f"{self.name} {self.condition}"


#: The rows of a split by a column, in the order of its values: which of them have each value.
SlicedRows = Callable[[str, str], Mapping[str, "NDArray[numpy.bool_]"]]


def judge(
    gates: Sequence[Gate],
    measurements: Measurements,
    rivals: Mapping[str, ReleasedBaseline | NoReleasedBaseline],
    sliced: SlicedRows | None = None,
    repeats: Repeats = NO_REPEATS,
) -> list[GateResult]:
    """Every condition of every gate, in the order of the spec; rivals by the environment that gates name.

    `sliced` answers the rows of a split by a column, for gates on slices, and `repeats` what came of training
    again.
    """
    return [judged for gate in gates for judged in _judge(gate, measurements, rivals, sliced, repeats)]


def _judge(
    gate: Gate,
    measurements: Measurements,
    rivals: Mapping[str, ReleasedBaseline | NoReleasedBaseline],
    sliced: SlicedRows | None,
    repeats: Repeats,
) -> Iterator[GateResult]:
    metric = measurements.metrics[gate.metric]
    name = metric.title(measurements.task)
    if gate.split == CROSS_VALIDATION:
        yield from _of_folds(gate, name, repeats.folds[gate.metric])
        return
    rows = measurements.predictions[gate.split]
    if gate.slice is not None and sliced is not None:
        yield from _of_slices(gate, name, measurements, sliced)
        return
    value = measurements.measured[gate.split][gate.metric]
    found = _Measured.of(metric, measurements.task, rows, value, gate)
    seeds = repeats.seeds.get(gate.split, {}).get(gate.metric)
    for judged in _of_bounds(gate, name, found):
        yield (
            judged
            if seeds is None
            else replace(judged, reason=judged.reason + _by_seeds(gate, judged, seeds))
        )
    if gate.overfit is not None:
        yield _not_overfit(gate, name, gate.overfit, measurements.gap(gate.metric))
    if gate.beats == "seasonal_naive":
        yield _beating_naive(gate, metric, name, measurements)
    elif gate.beats is not None:
        yield _beating(gate, name, value, rivals[gate.environment or ""])


def _of_folds(gate: Gate, name: str, folds: MetricSpread) -> Iterator[GateResult]:
    """The gate on the mean over the folds, and whether its bound is within the noise of that mean."""
    name = f"{name} over {len(folds.values)} folds"
    for condition, passed in bounds_of(gate, folds.mean):
        message = f"{name} is {folds} (mean ± standard deviation)"
        message += "" if passed or folds.mean is None else f", but the gate asks for {condition}"
        bound = gate.min if condition.startswith("min") else gate.max
        error = folds.standard_error
        distance = None if folds.mean is None or bound is None else abs(folds.mean - float(bound))
        if error is not None and distance is not None and distance <= error:
            message += f"; that is within noise: the standard error of the mean is {error:.2g}"
        yield GateResult(gate.metric, name, gate.split, condition, folds.mean, passed, message)


def _by_seeds(gate: Gate, judged: GateResult, seeds: MetricSpread) -> str:
    """What other seeds say of a bound: where they disagree, chance decided."""
    met = [
        passed
        for value in seeds.values
        for condition, passed in bounds_of(gate, value)
        if condition == judged.condition
    ]
    count = met.count(judged.passed)
    verb = "keep" if judged.passed else "miss"
    if count == len(met):
        return f"; all {len(met)} seeds {verb} it ({seeds})"
    return f"; within noise: {count} of {len(met)} seeds {verb} it ({seeds})"


@dataclass(frozen=True)
class _Measured:
    """A metric of some rows, and how sure it is."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, metric: Metric, task: Task, rows: Predictions, value: float | None, gate: Gate) -> _Measured:
        """The value with its interval, where the gate has a bound to hold it against."""
        has_bound = gate.min is not None or gate.max is not None
        if value is None or not has_bound or metric.compares_all_rows:
            return cls(value)
        return cls(
            value, *interval(lambda some: rows.at(some).measured(metric, task), len(rows.truth), _SAMPLES)
        )

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        if self.low is None or self.high is None:
            return shown(self.value)
        return f"{shown(self.value)} (95 % interval: {self.low:.3g} to {self.high:.3g})"


def _of_slices(gate: Gate, name: str, measurements: Measurements, sliced: SlicedRows) -> Iterator[GateResult]:
    """The gate on the rows of the value that it names, or of each value that has enough of them.

    It is missed where it names a value of too few rows, and where no value has enough: nothing is proved.
    """
    ((column, wanted),) = (gate.slice or {}).items()
    by_value = sliced(gate.split, column)
    counts = {value: int(inside.sum()) for value, inside in by_value.items()}
    if wanted is not None:
        judged = [wanted] if counts.get(wanted, 0) >= SMALLEST_SLICE else []
        title = f"{name} where {column} is {wanted}"
        problem = f"{counts.get(wanted, 0)} rows of the {gate.split} split are too few"
    else:
        judged = [value for value, count in counts.items() if count >= SMALLEST_SLICE]
        title = f"{name} by {column}"
        problem = f"no value has {SMALLEST_SLICE} rows of the {gate.split} split"
    if not judged:
        bound, own = next(bounds_of(gate, None))[0], {column: wanted} if wanted is not None else None
        message = f"{title} cannot be judged: {problem}"
        yield GateResult(gate.metric, title, gate.split, bound, None, False, message, own)  # missed
    metric, rows = measurements.metrics[gate.metric], measurements.predictions[gate.split]
    for value in judged:
        part = rows.at(by_value[value])
        measured = finite(part.measured(metric, measurements.task))
        found = _Measured.of(metric, measurements.task, part, measured, gate)
        yield from _of_bounds(gate, f"{name} where {column} is {value}", found, {column: value})


def _of_bounds(
    gate: Gate, name: str, found: _Measured, own: dict[str, str] | None = None
) -> Iterator[GateResult]:
    for condition, passed in bounds_of(gate, found.value):
        message = f"{name} on the {gate.split} split is {found}"
        message += "" if passed or found.value is None else f", but the gate asks for {condition}"
        yield GateResult(
            gate.metric, name, gate.split, condition, found.value, passed, message, own, found.low, found.high
        )


def bounds_of(gate: Gate, value: float | None) -> Iterator[tuple[str, bool]]:
    """The bounds of a gate in words, and whether a value keeps each."""
    if gate.min is not None:
        yield f"min {gate.min:g}", value is not None and value >= gate.min
    if gate.max is not None:
        yield f"max {gate.max:g}", value is not None and value <= gate.max


def _not_overfit(gate: Gate, name: str, allowed: float, value: float | None) -> GateResult:
    passed = value is not None and value <= allowed
    if value is None:
        message = f"{name} is not defined on both the train and the validation split"
    else:
        message = f"{name} is {shown(value)} better on the train split than on the validation split"
        message += "" if passed else f", but at most {allowed:g} is allowed"
    return GateResult(gate.metric, name, gate.split, f"overfit {allowed:g}", value, passed, message)


def _beating_naive(gate: Gate, metric: Metric, name: str, measurements: Measurements) -> GateResult:
    """The forecast against the last season, repeated, on the same rows."""
    rows, margin = measurements.predictions[gate.split], gate.margin or 0.0
    condition = "beats seasonal_naive" + (f", margin {margin:g}" if margin else "")
    value, place = measurements.measured[gate.split][gate.metric], f"{name} on the {gate.split} split"
    found = compare(metric, measurements.task, rows, seasonal_naive(rows))
    if value is None or found is None:
        message = f"{place} is not defined for both forecasts"
        return GateResult(gate.metric, name, gate.split, condition, value, passed=False, reason=message)
    passed = found.advantage >= -margin
    message = (
        f"{place} is {shown(value)}, and {shown(found.released)} for the seasonal naive forecast: {found}"
    )
    message += "" if passed else "; the gate asks for not worse"
    return GateResult(gate.metric, name, gate.split, condition, value, passed, message)


def _beating(
    gate: Gate, name: str, value: float | None, rival: ReleasedBaseline | NoReleasedBaseline
) -> GateResult:
    """The new model against the released one, on the same rows."""
    margin = gate.margin or 0.0
    where = f" in {gate.environment}" if gate.environment else ""
    condition = f"{_BEATS}{where}, margin {margin:g}" if margin else f"{_BEATS}{where}"
    place, passed = f"{name} on the {gate.split} split", False
    if isinstance(rival, NoReleasedBaseline):
        return GateResult(gate.metric, name, gate.split, condition, value, passed=True, reason=rival.reason)
    found = rival.comparisons.get((gate.metric, gate.split))
    if rival.obstacle:
        message = f"{place} cannot be compared with that of {rival.version}, which is released in "
        message += f"{rival.environment}: {rival.obstacle}"
    elif value is None or found is None:
        message = f"{place} is not defined for both models"
    else:
        passed = found.advantage >= -margin
        message = f"{place} is {shown(value)}, and {shown(found.released)} for {rival.version}, which is "
        message += f"released in {rival.environment}, on the same {found.rows:,} rows: {found}"
        allowed = f"at most {margin:g} worse is allowed" if margin else "the gate asks for not worse"
        message += "" if passed else f"; {allowed}"
    return GateResult(gate.metric, name, gate.split, condition, value, passed, message)
