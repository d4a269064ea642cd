"""Which stages run again, which do not, and why each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.edits import Edit
from aimass_compiler.effects.normal import Normal
from aimass_compiler.effects.reasons import Reasons, keys_of
from aimass_compiler.effects.told import StageEffect, State
from aimass_compiler.stages import STAGES, Stage

if TYPE_CHECKING:
    from aimass_compiler.effects.recorded import LastRuns


def reruns(found: Sequence[Edit], pipeline: Normal, last: LastRuns | None = None) -> tuple[StageEffect, ...]:
    """The stages in their order; `found` is what differs.

    With the `last` runs at hand these are asked; else only what differs counts.
    """
    told: list[StageEffect] = []
    remade: dict[str, str] = {}
    for stage in STAGES:
        reasons = (
            last.reasons(stage, pipeline) if last and last.are_known else _changed(stage, found, pipeline)
        )
        follows = tuple(dict.fromkeys(remade[path] for path in stage.needs if path in remade))
        effect = _effect(stage, reasons, follows, always=last is not None and last.is_always_run(stage))
        told.append(effect)
        if effect.may_run:
            remade |= dict.fromkeys((*stage.leaves, *stage.metrics), stage.name)
    return tuple(told)


def everything_runs(*notes: str) -> tuple[StageEffect, ...]:
    """All stages, each for the first time under this name, or for what the notes say."""
    return tuple(StageEffect(stage.name, State.RUNS, notes=notes, is_first=not notes) for stage in STAGES)


def _effect(stage: Stage, reasons: Reasons, follows: tuple[str, ...], *, always: bool) -> StageEffect:
    notes = reasons.notes
    if always:
        notes = (*notes, "DVC cannot watch all that is read")
    if reasons.runs or always:
        only = not reasons.runs
        first = reasons.is_first
        return StageEffect(stage.name, State.RUNS, reasons.reads, follows, notes, first, is_always_run=only)
    if follows:
        return StageEffect(stage.name, State.FOLLOWS, follows=follows)
    return StageEffect(stage.name, reasons.otherwise, notes=notes)


def _changed(stage: Stage, found: Iterable[Edit], pipeline: Normal) -> Reasons:
    """What it reads of what differs."""
    reads = keys_of((edit.path for edit in found if _is_read(edit.path, stage)), pipeline)
    return Reasons(reads, runs=bool(reads))


def _is_read(path: Path, stage: Stage) -> bool:
    parts = (tuple(part.split(".")) for part in stage.reads)
    return any(path[: len(part)] == part or part[: len(path)] == path for part in parts)
