"""The gates: the conditions on a metric that a model must meet to be packaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.evaluation.measures import shown
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.pipeline.evaluation import Gate
    from aimass_compiler.runtime.evaluation.measures import Evidence
    from aimass_compiler.runtime.workspace import Workspace


@dataclass(frozen=True)
class Judged:
    """One condition of a gate, held against the numbers."""

    metric: str
    split: str
    condition: str
    value: float | None
    """What was measured; for `overfit` how much better the training split is."""
    passed: bool
    reason: str


def released_metrics(workspace: Workspace) -> dict[str, Any] | None:
    """The metrics of the released model, or None while nothing is released.

    Raises StageFailure when the file is there but is not what evaluate wrote.
    """
    path = workspace.root / conventions.RELEASES_FOLDER / workspace.model / conventions.METRICS_FILE
    if not path.is_file():
        return None
    try:
        found = read_json(path).items()
        return {split: dict(values) for split, values in found if split in conventions.SPLITS}
    except (ValueError, TypeError, AttributeError):
        told = f"{path.relative_to(workspace.root)} does not hold the metrics of a release"
        raise StageFailure(
            ExitCode.USAGE, told, "restore it from git, or record the release again: `aimass release`"
        ) from None


def judge(gates: Sequence[Gate], evidence: Evidence, released: Mapping[str, Any] | None) -> list[Judged]:
    """Every condition of every gate, in the order of the spec."""
    return [judged for gate in gates for judged in _judge(gate, evidence, released)]


def _judge(gate: Gate, evidence: Evidence, released: Mapping[str, Any] | None) -> Iterator[Judged]:
    value = evidence.measured[gate.split][gate.metric]
    if gate.min is not None:
        yield _bounded(gate, f"min {gate.min:g}", value, value is not None and value >= gate.min)
    if gate.max is not None:
        yield _bounded(gate, f"max {gate.max:g}", value, value is not None and value <= gate.max)
    if gate.overfit is not None:
        yield _not_overfit(gate, gate.overfit, evidence.gap(gate.metric))
    if gate.beats is not None:
        before = (released or {}).get(gate.split, {}).get(gate.metric)
        if before is None:
            told = (
                "nothing is released yet" if released is None else f"the released model has no {_place(gate)}"
            )
            yield Judged(gate.metric, gate.split, "beats released", value, passed=True, reason=told)
        else:
            yield _beating(gate, value, before, evidence.metrics[gate.metric].greater_is_better)


def _place(gate: Gate) -> str:
    return f"{gate.metric} on the {gate.split} split"


def _bounded(gate: Gate, condition: str, value: float | None, passed: bool) -> Judged:
    if value is None:
        told = f"{_place(gate)} is not defined"
    else:
        told = f"{_place(gate)} is {shown(value)}{'' if passed else f', but the gate asks for {condition}'}"
    return Judged(gate.metric, gate.split, condition, value, passed, told)


def _not_overfit(gate: Gate, allowed: float, value: float | None) -> Judged:
    passed = value is not None and value <= allowed
    if value is None:
        told = f"{gate.metric} is not defined on both the train and the validation split"
    else:
        told = f"{gate.metric} is {shown(value)} better on the train split than on the validation split"
        told += "" if passed else f", but at most {allowed:g} is allowed"
    return Judged(gate.metric, gate.split, f"overfit {allowed:g}", value, passed, told)


def _beating(gate: Gate, value: float | None, before: float, greater_is_better: bool) -> Judged:
    if value is None:
        told, passed = f"{_place(gate)} is not defined", False
    else:
        passed = value >= before if greater_is_better else value <= before
        worse = "not worse" if passed else "worse"
        told = f"{_place(gate)} is {shown(value)}, {worse} than the released {shown(before)}"
    return Judged(gate.metric, gate.split, "beats released", value, passed, told)
