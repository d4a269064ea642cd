"""A plan for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass_compiler.cli.settled import nothing_changes
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.cost_lines import cost_lines, training_in_all
from aimass_compiler.cli.views.plan_lines import (
    Line,
    applying_lines,
    contract_lines,
    file_lines,
    stage_lines,
    told_lines,
)
from aimass_compiler.effects.told import Effect, Effects
from aimass_compiler.plan import Action, Plan, unified_diff

#: Source: ECMA-48, section 8.3.117 (select graphic rendition).
_CODES: dict[str, str] = {"strong": "1", "dim": "2", "+": "32", "-": "31", "~": "33", "!": "33"}
#: What a compile shows is read while waiting; a plan is read for itself.
AT_MOST_MODELS = 10
_AT_MOST_LINES = 12


def drawn(plan: Plan, *, is_written: bool, with_diff: bool = False, settled: int = 0) -> str:
    """What a compile did or would do, in short: the models by name, and the files in the last line.

    `settled` files were known not to change.
    """
    from aimass_compiler.effects.outline import outline

    outlined = outline(plan, AT_MOST_MODELS)
    lines: list[str] = []
    for effect in outlined.models:
        lines += [_title(effect), *_body(told_lines(effect)[:_AT_MOST_LINES], "  ")]
        if len(effect.told) > _AT_MOST_LINES:
            lines.append(f"    … and {len(effect.told) - _AT_MOST_LINES} more values")
        lines += [*_body(list(file_lines(effect)), "  "), ""]
    if outlined.left_out:
        lines += [f"… and {outlined.left_out} more models, which `aimass plan` tells of", ""]
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


def explained(effects: Effects, *, with_diff: bool = False, is_coloured: bool = False) -> str:
    """The whole plan: what happens to each model, why, at what cost, and what its callers notice."""
    lines: list[str] = []
    for effect in effects.models:
        lines += [*_model(effect, is_coloured=is_coloured), ""]
    for effect in effects.waiting:
        runs = [stage for stage in effect.stages if stage.may_run]
        lines += [safe(f"{effect.model} is as it was compiled, and its next run has work to do")]
        lines += [*_body(stage_lines(runs), "  ", is_coloured=is_coloured), ""]
    if with_diff and (diff := unified_diff(effects.plan)):
        lines += [diff]
    return "\n".join([*lines, *last_lines(effects)]) + "\n"


def last_lines(effects: Effects) -> list[str]:
    """How many models and files, as Terraform ends its plan."""
    files = summary(effects.plan, is_written=False)
    if not effects.models:
        return [files]
    new = sum(effect.is_new for effect in effects.models)
    removed = sum(effect.is_removed for effect in effects.models)
    changed = len(effects.models) - new - removed
    told = f"{new} to add, {changed} to change, {removed} to remove, {effects.unchanged_models} as they are"
    trained = training_in_all(effects)
    more = [f"      {trained}"] if trained else []
    return [f"Plan: models {told}", *more, f"      files {files}"]


def _model(effect: Effect, *, is_coloured: bool) -> Iterator[str]:
    yield _painted(_title(effect), "strong", is_coloured=is_coloured)
    for heading, lines in sections(effect):
        if lines and heading:
            yield f"  {heading}"
        yield from _body(lines, "    " if heading else "  ", is_coloured=is_coloured)


def sections(effect: Effect) -> list[tuple[str, Sequence[Line]]]:
    """What is said of a model, under its headings; the first has none."""
    notes = [Line("!", safe(note)) for note in effect.notes]
    return [
        ("", [*told_lines(effect), *notes]),
        ("when it is applied", applying_lines(effect)),
        ("contract", contract_lines(effect.breaches)),
        ("stages", stage_lines(effect.stages)),
        ("estimated cost", cost_lines(effect)),
        ("files", list(file_lines(effect))),
    ]


def _title(effect: Effect) -> str:
    return safe(f"{effect.model} {effect.headline}")


def _body(lines: Sequence[Line], indent: str, *, is_coloured: bool = False) -> Iterator[str]:
    for line in lines:
        sign = _painted(line.sign, line.sign, is_coloured=is_coloured)
        place = f"  {line.place}" if line.place else ""
        yield f"{indent}{sign} {line.text}{_painted(place, 'dim', is_coloured=is_coloured)}"


def _painted(text: str, style: str, *, is_coloured: bool) -> str:
    code = _CODES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if is_coloured and code and text else text
