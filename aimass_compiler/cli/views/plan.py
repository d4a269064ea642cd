"""The whole plan: for people, and as the comment below a pull request.

Whatever comes from a spec or a file's name is in a block of code or in escaped HTML there, of which GitHub
makes neither links nor mentions nor markup.
Source: https://github.github.com/gfm (fenced code blocks, HTML blocks)
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.cli.terminal import Paint, plain
from aimass_compiler.cli.views import changes
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.changes import diff_lines, fenced
from aimass_compiler.cli.views.cost import cost_changes, training_in_all
from aimass_compiler.cli.views.outline import file_changes, fleet_changes, summary, title_of
from aimass_compiler.cli.views.release_changes import counted, named, release_tree
from aimass_compiler.impact.changes import Change, Sign, listed
from aimass_compiler.impact.contract import Breach, Compatibility
from aimass_compiler.impact.effects import Effect, Effects
from aimass_compiler.impact.stage_runs import StageEffect, State
from aimass_compiler.plan import unified_diff

#: By this the comment is found when it is written anew.
MARKER = conventions.PLAN_MARKER
#: GitHub takes 65,536 characters; bytes are counted, so that it also fits where they are what counts.
LONGEST = 65_000
_ROOM_FOR_THE_END = 400
_MOST_BREACHES = 50
_MOST_RELEASE_LINES = 150
_BACKTICKS = re.compile(r"`+")
_SEVERITIES = tuple(Compatibility)
_MOST_KEYS = 3


def as_text(effects: Effects, paint: Paint = plain, *, with_diff: bool = False) -> str:
    """The whole plan for people."""
    releases = release_tree(effects.releases, contract)
    parts = [changes.as_text(releases, paint)] if releases else []
    parts += [changes.as_text(group_tree(group), paint) for group in alike(effects.models)]
    parts += [changes.as_text(fleet_changes(effects), paint)] if effects.of_fleet else []
    parts += [changes.as_text(_waiting(effect)) for effect in effects.waiting]
    parts += [changes.as_text(Change(Sign.WARNING, note)) for note in effects.notes]
    if with_diff and (diff := unified_diff(effects.plan)):
        parts.append(diff)
    return "\n".join([*parts, *last_lines(effects)]) + "\n"


def last_lines(effects: Effects) -> list[str]:
    """How many models and files, as Terraform ends its plan."""
    files = summary(effects.plan.changes, is_written=False, settled=effects.settled_files)
    moved = [counted(effects.releases)] if effects.releases else []
    if not effects.models:
        return [*moved, files]
    new = sum(effect.is_new for effect in effects.models)
    removed = sum(effect.is_removed for effect in effects.models)
    changed = len(effects.models) - new - removed
    counts = f"{new} to add, {changed} to change, {removed} to remove, {effects.unchanged_models} as they are"
    trained = training_in_all(effects)
    more = [f"      {trained}"] if trained else []
    of_releases = [f"      {line}" for line in moved]
    return [f"Plan: models {counts}", *more, *of_releases, f"      files {files}"]


def alike(models: Sequence[Effect]) -> list[list[Effect]]:
    """The models, those together of which all the same is to be said but for their names."""
    groups: dict[object, list[Effect]] = {}
    for effect in models:
        groups.setdefault(_nameless(tree(effect), effect.model), []).append(effect)
    return list(groups.values())


def _nameless(change: Change, model: str) -> object:
    """What is said in a change, without the model's name and without places in its spec."""
    text = re.sub(rf"(?<![\w-]){re.escape(model)}(?![\w-])", "\0", f"{change.text} {change.reason}")
    return change.sign, text, tuple(_nameless(child, model) for child in change.children)


def group_tree(group: Sequence[Effect]) -> Change:
    """What is said of models that are alike: of the first, with the names of all."""
    whole = tree(group[0])
    if len(group) == 1:
        return whole
    return replace(whole, text=f"{_names_of(group)}: each {group[0].headline}")


def _names_of(group: Sequence[Effect]) -> str:
    return f"{len(group)} models alike ({named([effect.model for effect in group])})"


def tree(effect: Effect) -> Change:
    """All that is said of a model, under its headings."""
    notes = [Change(Sign.WARNING, note) for note in effect.notes]
    sections = {
        "when it is applied": effect.applying,
        "contract": contract(effect.breaches),
        "stages": _stages(effect.stages),
        "estimated cost": cost_changes(effect),
        "files": tuple(file_changes(effect)),
    }
    below = [Change(Sign.NONE, title, children=found) for title, found in sections.items() if found]
    return Change(Sign.NONE, title_of(effect), children=(*effect.values, *notes, *below))


def _waiting(effect: Effect) -> Change:
    """A model whose files are as they should be, and whose stages would run."""
    text = f"{effect.model} is as it was compiled, and its next run has work to do"
    return Change(Sign.NONE, text, children=_stages([stage for stage in effect.stages if stage.may_run]))


def contract(breaches: Sequence[Breach]) -> tuple[Change, ...]:
    """What callers notice, the worst first."""
    ranked = sorted(breaches, key=lambda breach: _SEVERITIES.index(breach.severity))
    return tuple(Change(_breach_sign(each), _breach_text(each), location=each.location) for each in ranked)


def _breach_sign(breach: Breach) -> Sign:
    if breach.is_allowed or breach.severity is Compatibility.COMPATIBLE:
        return Sign.SAME
    return Sign.REMOVED if breach.severity is Compatibility.BREAKING else Sign.WARNING


def _breach_text(breach: Breach) -> str:
    allowed = " (accepted)" if breach.is_allowed else ""
    later = " once released" if breach.is_waiting else ""
    return f"{breach.severity.value}{later}{allowed}: {breach.text} [{breach.name}]"


def _stages(stages: Sequence[StageEffect]) -> tuple[Change, ...]:
    """Each stage with its reason; neighbours that have one reason share a line."""
    found = []
    for (may_run, why), group in groupby(stages, lambda stage: (stage.may_run, _why(stage))):
        names = [stage.name for stage in group]
        sign = Sign.CHANGED if may_run else Sign.SAME
        found.append(Change(sign, f"{listed(names)} {why[len(names) > 1]}"))
    return tuple(found)


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


def as_markdown(effects: Effects, *, with_diff: bool = False) -> str:
    """The plan in at most LONGEST bytes; what does not fit is counted at the end."""
    text = "\n".join([MARKER, *_head(effects)]) + "\n"
    left_out = []
    for group in alike(effects.models):
        part = "\n".join(_folded(_fold_title(group), fenced(_model_lines(group), "diff"))) + "\n"
        if _size(text) + _size(part) > LONGEST - _ROOM_FOR_THE_END:
            left_out += group
        else:
            text += part
    if effects.of_fleet:
        part = "\n".join(_folded("for all models", fenced(diff_lines(fleet_changes(effects)), "diff"))) + "\n"
        text += part if _size(text) + _size(part) <= LONGEST - _ROOM_FOR_THE_END else ""
    if with_diff and (diff := unified_diff(effects.plan)):
        part = (
            "\n".join(_folded("line by line", fenced(map(safe, diff.rstrip("\n").split("\n")), "diff")))
            + "\n"
        )
        is_short = _size(text) + _size(part) <= LONGEST - _ROOM_FOR_THE_END
        text += part if is_short else "\nThe difference line by line does not fit here.\n"
    if left_out:
        noun = "model does" if len(left_out) == 1 else "models do"
        text += f"\n**{len(left_out)} more {noun} not fit here.** `aimass plan` shows them all.\n"
    return text


def _head(effects: Effects) -> Iterator[str]:
    against = f" against {_code(effects.against)}" if effects.against else ""
    yield f"## Plan{against}"
    yield ""
    yield from (line.strip() + ("  " if effects.models else "") for line in last_lines(effects))
    yield ""
    worst = [(model, breach) for model, breach in effects.noticed if _is_noticed(breach.severity)]
    if worst:
        yield "**What callers notice**"
        yield ""
        yield from fenced(_breach_lines(worst[:_MOST_BREACHES]), "diff")
        if len(worst) > _MOST_BREACHES:
            yield f"and {len(worst) - _MOST_BREACHES} more"
        yield ""
    yield from _release_block(effects)
    for note in effects.notes:
        yield f"- {_code(note)}"


def _release_block(effects: Effects) -> Iterator[str]:
    releases = release_tree(effects.releases, contract)
    if releases is None:
        return
    yield "**Releases**"
    yield ""
    lines = [line for child in releases.children for line in diff_lines(child)]
    yield from fenced(lines[:_MOST_RELEASE_LINES], "diff")
    if len(lines) > _MOST_RELEASE_LINES:
        yield f"and {len(lines) - _MOST_RELEASE_LINES} more lines, which `aimass plan` shows"
    yield ""


def _breach_lines(listed: Sequence[tuple[str, Breach]]) -> Iterator[str]:
    for model, breach in listed:
        (change,) = contract([breach])
        yield from diff_lines(replace(change, text=f"{model}: {change.text}"), 4)


def _is_noticed(severity: Compatibility) -> bool:
    return severity is not Compatibility.COMPATIBLE


def _fold_title(group: Sequence[Effect]) -> str:
    """The line that is seen while models are folded, as HTML."""
    effect = group[0]
    breaking = sum(breach.severity is Compatibility.BREAKING for breach in effect.breaches)
    parts = [_state(effect)]
    if effect.values:
        parts.append(f"{len(effect.values)} change{'s' if len(effect.values) > 1 else ''}")
    if breaking:
        parts.append(f"{breaking} breaking")
    name = f"<code>{html.escape(safe(effect.model))}</code>"
    who = name if len(group) == 1 else f"{name} and {len(group) - 1} more alike: each"
    return f"{who} {', '.join(parts)}"


def _state(effect: Effect) -> str:
    if effect.is_removed:
        return "is removed"
    if effect.renamed_from:
        return "is renamed"
    if effect.is_new:
        return "is new"
    return "is trained again" if effect.is_trained else "is not trained again"


def _model_lines(group: Sequence[Effect]) -> Iterator[str]:
    names = "" if len(group) == 1 else f"{_names_of(group)}: each "
    return diff_lines(replace(tree(group[0]), text=f"{names}{group[0].headline}"))


def _folded(summary: str, block: Iterator[str]) -> Iterator[str]:
    yield f"<details><summary>{summary}</summary>"
    yield ""
    yield from block
    yield ""
    yield "</details>"
    yield ""


def _code(text: str) -> str:
    """Text as code inside of a sentence."""
    inner = safe(text)
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(inner)), default=0) + 1)
    return f"{fence} {inner} {fence}" if "`" in inner else f"{fence}{inner}{fence}"


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
