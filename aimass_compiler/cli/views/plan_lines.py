"""What a plan means for one model, in lines that both people and pull requests are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from aimass_compiler import conventions
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.effects.sentences import listed
from aimass_compiler.effects.told import Breach, Effect, Severity, Sign, StageEffect, State
from aimass_compiler.plan import Action, Change

FILE_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.EDITED: "!"}
_SEVERITIES = tuple(Severity)
_MOST_KEYS = 3
_MOST_FILES = 20


class Line(NamedTuple):
    """A sign that says what kind of change it is, and the words."""

    sign: str
    text: str
    place: str = ""


def told_lines(effect: Effect) -> list[Line]:
    """What changes, in the words of the spec."""
    return [Line(told.sign, safe(told.text), safe(told.place)) for told in effect.told]


def applying_lines(effect: Effect) -> list[Line]:
    """What becomes of that which runs, once the plan is applied."""
    return [Line(told.sign, safe(told.text)) for told in effect.applying]


def contract_lines(breaches: Sequence[Breach]) -> list[Line]:
    """What callers notice, the worst first."""
    ranked = sorted(breaches, key=lambda breach: _SEVERITIES.index(breach.severity))
    return [Line(_breach_sign(breach), _breach_text(breach), safe(breach.place)) for breach in ranked]


def _breach_sign(breach: Breach) -> str:
    if breach.is_allowed or breach.severity is Severity.COMPATIBLE:
        return " "
    return Sign.REMOVED if breach.severity is Severity.BREAKING else "!"


def _breach_text(breach: Breach) -> str:
    allowed = " (allowed)" if breach.is_allowed else ""
    return safe(f"{breach.severity.value}{allowed}: {breach.text} [{breach.rule}]")


def stage_lines(stages: Sequence[StageEffect]) -> list[Line]:
    """Each stage with its reason; neighbours that have one reason share a line."""
    lines = []
    for (sign, why), group in groupby(stages, lambda stage: (_stage_sign(stage), _why(stage))):
        names = [stage.name for stage in group]
        lines.append(Line(sign, safe(f"{listed(names)} {why[len(names) > 1]}")))
    return lines


def _stage_sign(stage: StageEffect) -> str:
    return Sign.CHANGED if stage.may_run else " "


def _why(stage: StageEffect) -> tuple[str, str]:
    """What is said of one stage, and of several."""
    notes = "; ".join(stage.notes)
    if stage.state is State.RUNS:
        changed = f"{_keys(stage.reads)} changed" if stage.reads else ""
        if stage.is_first:
            return "runs for the first time", "run for the first time"
        reasons = "; ".join(part for part in (changed, notes) if part)
        return f"runs again: {reasons}", f"run again: {reasons}"
    if stage.state is State.FOLLOWS:
        after = f"again after {listed(stage.follows[:1])}, unless that leaves the same files"
        return f"runs {after}", f"run {after}"
    if stage.state is State.CACHED:
        return "is cached", "are cached"
    if stage.state is State.RECORDED:
        return f"is up to date by dvc.lock; {notes}", f"are up to date by dvc.lock; {notes}"
    return "reads nothing that changes", "read nothing that changes"


def _keys(keys: Sequence[str]) -> str:
    shown = ", ".join(f"`{key}`" for key in keys[:_MOST_KEYS])
    return f"{shown} and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else shown


def file_lines(effect: Effect) -> Iterator[Line]:
    """The files that change, one by one; of a new or removed model only where they are."""
    if not (effect.is_new or effect.is_removed or effect.renamed_from):
        for change in effect.changes[:_MOST_FILES]:
            yield Line(FILE_SIGNS[change.action], f"{_shown(change)}  {change.reason}")
        if len(effect.changes) > _MOST_FILES:
            yield Line(" ", f"… and {len(effect.changes) - _MOST_FILES} more files")
        return
    names = (effect.renamed_from, effect.model) if effect.renamed_from else (effect.model,)
    for name in names:
        start = f"{name}/"
        below = [path[len(start) :] for _, path, _ in effect.changes if path.startswith(start)]
        tops = sorted({top + slash for top, slash, _ in (path.partition("/") for path in below)})
        sign = Sign.REMOVED if effect.is_removed or name == effect.renamed_from else Sign.ADDED
        yield Line(sign, safe(f"{conventions.GENERATED_FOLDER}/{start}: {', '.join(tops)}"))


def _shown(change: Change) -> str:
    return f"{conventions.GENERATED_FOLDER}/{safe(change.path)}"
