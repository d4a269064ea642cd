"""A plan as people, programs and pull requests want to see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cli.settled import nothing_changes
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.plan import Action, Change, Plan, unified_diff
from aimass_compiler.plan.effects import Effect, effects

FORMAT = "aimass.plan/v1"
_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.EDITED: "!"}
_MOST_VALUES = 12
_MOST_SHOWN = 60


def drawn(plan: Plan, *, is_written: bool, with_diff: bool = False, settled: int = 0) -> str:
    """The plan by model, and a summary in the last line; `settled` files were known not to change."""
    lines: list[str] = []
    for effect in effects(plan):
        lines += [_title(effect), *_values(effect), *_stages(effect)]
        lines += [*_files(effect), ""]
    if with_diff and (diff := unified_diff(plan)):
        lines += [diff]
    return "\n".join([*lines, summary(plan, is_written=is_written, settled=settled)]) + "\n"


def summary(plan: Plan, *, is_written: bool, settled: int = 0) -> str:
    """Such as `2 files to create, 1 to update, 30 unchanged`."""
    counts = {action: sum(change.action is action for change in plan.changes) for action in Action}
    counts[Action.UNCHANGED] += settled
    if not any(count for action, count in counts.items() if action is not Action.UNCHANGED):
        return nothing_changes(counts[Action.UNCHANGED])
    told = {
        Action.CREATE: "created" if is_written else "to create",
        Action.UPDATE: "updated" if is_written else "to update",
        Action.DELETE: "deleted" if is_written else "to delete",
        Action.EDITED: "edited by hand",
        Action.UNCHANGED: "unchanged",
    }
    return ", ".join(f"{count} {told[action]}" for action, count in counts.items() if count)


def _files(effect: Effect) -> Iterator[str]:
    """The files that change, one by one; of a new or removed model only where they are."""
    if not (effect.is_new or effect.is_removed):
        for change in effect.changes:
            yield f"  {_SIGNS[change.action]} {_shown(change)}  {change.reason}"
        return
    below = [change.path.partition("/")[2] for change in effect.changes]
    tops = sorted({top + slash for top, slash, _ in (path.partition("/") for path in below)})
    sign = _SIGNS[Action.DELETE if effect.is_removed else Action.CREATE]
    yield f"  {sign} {conventions.GENERATED_FOLDER}/{effect.model}/: {', '.join(tops)}"


def _shown(change: Change) -> str:
    return f"{conventions.GENERATED_FOLDER}/{safe(change.path)}"


def _title(effect: Effect) -> str:
    if effect.is_new:
        return f"{effect.model}: a new model"
    return f"{effect.model}: removed" if effect.is_removed else effect.model


def _values(effect: Effect) -> Iterator[str]:
    if effect.is_new or effect.is_removed:
        return
    for value in effect.values[:_MOST_VALUES]:
        yield f"    {safe(value.key)}: {_value(value.before)} → {_value(value.after)}"
    if len(effect.values) > _MOST_VALUES:
        yield f"    … and {len(effect.values) - _MOST_VALUES} more values"


def _value(value: Any) -> str:
    text = safe(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _stages(effect: Effect) -> Iterator[str]:
    if effect.stages:
        yield f"    runs again: {', '.join(effect.stages)}"
    elif not effect.is_removed:
        yield "    nothing is trained again"


def _outcome(effect: Effect) -> str:
    state = "a new model, " if effect.is_new else "removed" if effect.is_removed else ""
    return state + "".join(line.strip() for line in _stages(effect))


def as_json(plan: Plan, *, against: str | None = None) -> str:
    """The plan for programs; `against` is what it starts from, where that is not generated/ on disk."""
    document = {
        "format": FORMAT,
        "against": against,
        "stale": plan.is_stale,
        "models": [
            {
                "model": effect.model,
                "new": effect.is_new,
                "removed": effect.is_removed,
                "values": [asdict(value) for value in effect.values],
                "stages": list(effect.stages),
                "files": [
                    {"action": change.action.value, "path": change.path, "reason": change.reason}
                    for change in effect.changes
                ],
            }
            for effect in effects(plan)
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def as_markdown(plan: Plan, *, against: str | None = None, with_diff: bool = False) -> str:
    """The plan for a pull request, each model collapsed."""
    heading = f"## Plan against `{safe(against)}`" if against else "## Plan"
    lines = [heading, "", summary(plan, is_written=False), ""]
    for effect in effects(plan):
        lines += [f"<details><summary><b>{effect.model}</b>: {_outcome(effect)}</summary>", "", "```"]
        lines += [line.strip() for line in _values(effect)]
        lines += [f"{_SIGNS[change.action]} {_shown(change)}  {change.reason}" for change in effect.changes]
        lines += ["```", "", "</details>", ""]
    if with_diff and (diff := unified_diff(plan)):
        lines += ["<details><summary>Line by line</summary>", "", "````diff", diff.rstrip("\n"), "````"]
        lines += ["", "</details>", ""]
    return "\n".join(lines)
