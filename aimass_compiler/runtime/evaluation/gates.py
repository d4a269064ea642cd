"""The gates: the conditions on a metric that a model must meet to be packaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.runtime.evaluation.measures import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.comparison import Rival
    from aimass_compiler.runtime.evaluation.measures import Evidence

_BEATS = "beats released"


@dataclass(frozen=True)
class Judged:
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

    @property
    def is_of_released(self) -> bool:
        """Whether it holds the model against the released one."""
        return self.condition.startswith(_BEATS)

    @property
    def shown(self) -> str:
        """The gate for people, without the numbers: `recall of yes min 0.6`."""
        return f"{self.name} {self.condition}"


def judge(gates: Sequence[Gate], evidence: Evidence, rival: Rival | None) -> list[Judged]:
    """Every condition of every gate, in the order of the spec; `rival` is None while nothing is released."""
    return [judged for gate in gates for judged in _judge(gate, evidence, rival)]


def _judge(gate: Gate, evidence: Evidence, rival: Rival | None) -> Iterator[Judged]:
    name = evidence.metrics[gate.metric].title(evidence.task)
    value = evidence.measured[gate.split][gate.metric]
    if gate.min is not None:
        yield _bounded(gate, name, f"min {gate.min:g}", value, value is not None and value >= gate.min)
    if gate.max is not None:
        yield _bounded(gate, name, f"max {gate.max:g}", value, value is not None and value <= gate.max)
    if gate.overfit is not None:
        yield _not_overfit(gate, name, gate.overfit, evidence.gap(gate.metric))
    if gate.beats is not None:
        yield _beating(gate, name, value, rival)


def _bounded(gate: Gate, name: str, condition: str, value: float | None, passed: bool) -> Judged:
    place = f"{name} on the {gate.split} split"
    if value is None:
        message = f"{place} is not defined"
    else:
        message = f"{place} is {shown(value)}{'' if passed else f', but the gate asks for {condition}'}"
    return Judged(gate.metric, name, gate.split, condition, value, passed, message)


def _not_overfit(gate: Gate, name: str, allowed: float, value: float | None) -> Judged:
    passed = value is not None and value <= allowed
    if value is None:
        message = f"{name} is not defined on both the train and the validation split"
    else:
        message = f"{name} is {shown(value)} better on the train split than on the validation split"
        message += "" if passed else f", but at most {allowed:g} is allowed"
    return Judged(gate.metric, name, gate.split, f"overfit {allowed:g}", value, passed, message)


def _beating(gate: Gate, name: str, value: float | None, rival: Rival | None) -> Judged:
    """The new model against the released one, on the same rows."""
    margin = gate.margin or 0.0
    condition = f"{_BEATS}, margin {margin:g}" if margin else _BEATS
    place, passed = f"{name} on the {gate.split} split", False
    found = rival.comparisons.get((gate.metric, gate.split)) if rival else None
    if rival is None:
        message, passed = "nothing is released yet", True
    elif rival.obstacle:
        message = f"{place} cannot be compared with that of version {rival.version}, which is released: "
        message += rival.obstacle
    elif value is None or found is None:
        message = f"{place} is not defined for both models"
    else:
        passed = found.advantage >= -margin
        message = f"{place} is {shown(value)}, and {shown(found.released)} for the released version "
        message += f"{rival.version} on the same {found.rows:,} rows: {found}"
        allowed = f"at most {margin:g} worse is allowed" if margin else "the gate asks for not worse"
        message += "" if passed else f"; {allowed}"
    return Judged(gate.metric, name, gate.split, condition, value, passed, message)
