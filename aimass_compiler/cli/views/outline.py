"""What a compile did or would do, in short: the models that change, their files, and the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli.fast_path import nothing_changes
from aimass_compiler.cli.views.changes import as_text
from aimass_compiler.impact.changes import Change, Sign
from aimass_compiler.plan import Action, FileChange, Plan, unified_diff

if TYPE_CHECKING:
    from aimass_compiler.impact.effects import Effect, Effects

#: What a compile shows is read while waiting; a plan is read for itself.
AT_MOST_MODELS = 10
_AT_MOST_VALUES = 12
_SIGNS = {
    Action.CREATE: Sign.ADDED,
    Action.UPDATE: Sign.CHANGED,
    Action.DELETE: Sign.REMOVED,
    Action.EDITED: Sign.WARNING,
}
_MOST_FILES = 20


def drawn(
    plan: Plan, workflows: Plan | None = None, *, is_written: bool, with_diff: bool = False, settled: int = 0
) -> str:
    """What a compile did or would do, in short: models by name, what GitHub reads, and a last line.

    `settled` files were known not to change.
    """
    from aimass_compiler.impact.effects import outline

    outlined = outline(plan, AT_MOST_MODELS)
    parts = [as_text(_in_short(effect)) for effect in outlined.models]
    if outlined.left_out:
        parts.append(f"… and {outlined.left_out} more models, which `aimass plan` shows\n")
    if outlined.of_fleet:
        parts.append(as_text(fleet_changes(outlined)))
    workflows = workflows or Plan()
    if changed := [*_changed_workflows(workflows)]:
        parts.append(as_text(Change(Sign.NONE, "GitHub", children=tuple(changed))))
    if with_diff and (diff := unified_diff(plan) + unified_diff(workflows)):
        parts.append(diff)
    changes = (*plan.changes, *workflows.changes)
    return "\n".join([*parts, summary(changes, is_written=is_written, settled=settled)]) + "\n"


def _changed_workflows(plan: Plan) -> Iterator[Change]:
    for change in plan.changes:
        if change.action is not Action.UNCHANGED and not change.path.endswith(conventions.INVENTORY_FILE):
            path = f"{plan.shown_as}/{change.path}"
            yield Change(_SIGNS[change.action], path, reason=f"  {change.reason}")


def fleet_changes(effects: Effects) -> Change:
    """The files that are made once for all models, as those of a model."""
    once = tuple(listed_files(effects.of_fleet))
    return Change(Sign.NONE, "for all models", children=once)


def summary(changes: Sequence[FileChange], *, is_written: bool, settled: int = 0) -> str:
    """Such as `2 files to create, 1 to update, 30 unchanged`."""
    counts = {action: sum(change.action is action for change in changes) for action in Action}
    counts[Action.UNCHANGED] += settled
    if not any(count for action, count in counts.items() if action is not Action.UNCHANGED):
        return nothing_changes(counts[Action.UNCHANGED])
    verbs = {
        Action.CREATE: "created" if is_written else "to create",
        Action.UPDATE: "updated" if is_written else "to update",
        Action.DELETE: "deleted" if is_written else "to delete",
        Action.EDITED: "edited by hand",
        Action.UNCHANGED: "unchanged",
    }
    return ", ".join(f"{count} {verbs[action]}" for action, count in counts.items() if count)


def _in_short(effect: Effect) -> Change:
    """What a compile says of a model."""
    shown = [*effect.values[:_AT_MOST_VALUES]]
    if len(effect.values) > _AT_MOST_VALUES:
        shown.append(Change(Sign.SAME, f"… and {len(effect.values) - _AT_MOST_VALUES} more values"))
    return Change(Sign.NONE, title_of(effect), children=(*shown, *file_changes(effect)))


def title_of(effect: Effect) -> str:
    return f"{effect.model} {effect.headline}"


def listed_files(changes: Sequence[FileChange]) -> Iterator[Change]:
    """Files that change, each in a line, as far as they fit on a screen."""
    for change in changes[:_MOST_FILES]:
        path = f"{conventions.GENERATED_FOLDER}/{change.path}"
        yield Change(_SIGNS[change.action], path, reason=f"  {change.reason}")
    if len(changes) > _MOST_FILES:
        yield Change(Sign.SAME, f"… and {len(changes) - _MOST_FILES} more files")


def file_changes(effect: Effect) -> Iterator[Change]:
    """The files that change, one by one; of a new or removed model only where they are."""
    if not (effect.is_new or effect.is_removed or effect.renamed_from):
        yield from listed_files(effect.changes)
        return
    names = (effect.renamed_from, effect.model) if effect.renamed_from else (effect.model,)
    for name in names:
        start = f"{name}/"
        below = [path[len(start) :] for _, path, _ in effect.changes if path.startswith(start)]
        tops = sorted({top + slash for top, slash, _ in (path.partition("/") for path in below)})
        sign = Sign.REMOVED if effect.is_removed or name == effect.renamed_from else Sign.ADDED
        yield Change(sign, f"{conventions.GENERATED_FOLDER}/{start}: {', '.join(tops)}")
