"""What a plan means for the models: which values differ, and which stages run again because of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.plan.comparison import Action, Change, Plan
from aimass_compiler.plan.names import model_folder
from aimass_compiler.stages import STAGES

_IN_ENVIRONMENT = re.compile(r"^environments\.[^.]+\.")


@dataclass(frozen=True)
class ValueChange:
    """One value of a pipeline, before and after; None where it is not there."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Effect:
    """What happens to one model."""

    model: str
    is_new: bool
    is_removed: bool
    values: tuple[ValueChange, ...]
    stages: tuple[str, ...]
    """The stages that run again, in their order."""
    changes: tuple[Change, ...]
    """The files that differ."""


def effects(plan: Plan) -> list[Effect]:
    """The models that the plan changes, by name."""
    differing = [change for change in plan.changes if change.action is not Action.UNCHANGED]
    models = sorted({model_folder(change.path) for change in differing})
    return [
        _effect(model, plan, [each for each in differing if model_folder(each.path) == model])
        for model in models
    ]


def _effect(model: str, plan: Plan, changes: list[Change]) -> Effect:
    path = f"{model}/{conventions.PIPELINE_FILE}"
    before, after = _leaves(plan.previous.get(path)), _leaves(plan.files.get(path))
    values = [
        ValueChange(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    is_new, is_removed = not before, not after
    stages = () if is_removed else _rerun([value.key for value in values])
    return Effect(model, is_new, is_removed, tuple(_told_once(values)), stages, tuple(changes))


def _told_once(values: list[ValueChange]) -> Iterator[ValueChange]:
    """The changes without those that an environment only inherits."""
    known = {value.key: value for value in values}
    for value in values:
        inherited = known.get(_IN_ENVIRONMENT.sub("", value.key), value)
        if inherited is value or (inherited.before, inherited.after) != (value.before, value.after):
            yield value


def _leaves(content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {}
    try:
        return dict(_flat(json.loads(content), ""))
    except ValueError:
        return {}


def _flat(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping) and node:
        for name, value in node.items():
            yield from _flat(value, f"{key}.{name}" if key else name)
    elif isinstance(node, list) and any(isinstance(item, (Mapping, list)) for item in node):
        for place, item in enumerate(node):
            yield from _flat(item, f"{key}[{place}]")
    else:
        yield key, node


def _rerun(changed: list[str]) -> tuple[str, ...]:
    """The stages that read a changed value, and those that need what such a stage leaves."""
    again: list[str] = []
    remade: set[str] = set()
    for stage in STAGES:
        reads = any(_is_below(key, part) for key in changed for part in stage.reads)
        if reads or remade & set(stage.needs):
            again.append(stage.name)
            remade |= {*stage.leaves, *stage.metrics}
    return tuple(again)


def _is_below(key: str, part: str) -> bool:
    return key == part or key.startswith((f"{part}.", f"{part}["))
