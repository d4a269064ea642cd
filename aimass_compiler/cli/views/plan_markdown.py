"""A plan as the comment below a pull request: one that is found again, and folded by model.

Whatever comes from a spec or a file's name stands in a block of code or in escaped HTML, where GitHub makes
neither links nor mentions nor markup of it.
Source: https://github.github.com/gfm (fenced code blocks, HTML blocks)
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.changes import last_lines, sections
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cli.views.plan_lines import Line, contract_lines
from aimass_compiler.effects.told import Breach, Effect, Effects, Severity
from aimass_compiler.plan import unified_diff

#: By this the comment is found when it is written anew.
MARKER = "<!-- aimass plan -->"
#: GitHub takes 65,536 characters; bytes are counted, so that it also fits where they are what counts.
LONGEST = 65_000
_ROOM_FOR_THE_END = 400
_MOST_BREACHES = 50
#: Names and values of a spec may be of any length.
_LONGEST_LINE = 400
_BACKTICKS = re.compile(r"`+")


def as_markdown(effects: Effects, *, with_diff: bool = False) -> str:
    """The plan in at most LONGEST bytes; what does not fit is counted at the end."""
    text = "\n".join([MARKER, *_head(effects)]) + "\n"
    left_out = []
    for effect in effects.models:
        part = "\n".join(_folded(_summary(effect), fenced(_lines(effect), "diff"))) + "\n"
        if _size(text) + _size(part) > LONGEST - _ROOM_FOR_THE_END:
            left_out.append(effect)
        else:
            text += part
    if with_diff and (diff := unified_diff(effects.plan)):
        part = (
            "\n".join(_folded("line by line", fenced(map(safe, diff.rstrip("\n").split("\n")), "diff")))
            + "\n"
        )
        is_short = _size(text) + _size(part) <= LONGEST - _ROOM_FOR_THE_END
        text += part if is_short else "\nThe difference line by line does not fit here.\n"
    if left_out:
        noun = "model does" if len(left_out) == 1 else "models do"
        text += f"\n**{len(left_out)} more {noun} not fit here.** `aimass plan` tells of them all.\n"
    return text


def _head(effects: Effects) -> Iterator[str]:
    against = f" against {_code(effects.against)}" if effects.against else ""
    yield f"## Plan{against}"
    yield ""
    yield from (line.strip() + ("  " if effects.models else "") for line in last_lines(effects))
    yield ""
    worst = [(model, breach) for model, breach in effects.breaches if _is_told(breach.severity)]
    if worst:
        yield "**What callers notice**"
        yield ""
        yield from fenced(_breaches(worst[:_MOST_BREACHES]), "diff")
        if len(worst) > _MOST_BREACHES:
            yield f"and {len(worst) - _MOST_BREACHES} more"
        yield ""


def _breaches(listed: Sequence[tuple[str, Breach]]) -> Iterator[str]:
    for model, breach in listed:
        (line,) = contract_lines([breach])
        yield from _signed([Line(line.sign, f"{safe(model)}: {line.text}", line.place)])


def _is_told(severity: Severity) -> bool:
    return severity is not Severity.COMPATIBLE


def _summary(effect: Effect) -> str:
    """The line that is seen while a model is folded, as HTML."""
    breaking = sum(breach.severity is Severity.BREAKING for breach in effect.breaches)
    told = [_state(effect)]
    if effect.told:
        told.append(f"{len(effect.told)} change{'s' if len(effect.told) > 1 else ''}")
    if breaking:
        told.append(f"{breaking} breaking")
    return f"<code>{html.escape(safe(effect.model))}</code> {', '.join(told)}"


def _state(effect: Effect) -> str:
    if effect.is_removed:
        return "is removed"
    if effect.renamed_from:
        return "is renamed"
    if effect.is_new:
        return "is new"
    return "is trained again" if effect.is_trained else "is not trained again"


def _lines(effect: Effect) -> Iterator[str]:
    yield f"  {safe(effect.headline)}"
    for heading, lines in sections(effect):
        if lines and heading:
            yield f"  {heading}"
        yield from _signed(lines)


def _signed(lines: Sequence[Line]) -> Iterator[str]:
    """Lines as a `diff` block colours them: its signs are + and -, and ! for what changes."""
    for line in lines:
        sign = "!" if line.sign == "~" else line.sign
        text = f"{line.text[:_LONGEST_LINE]}…" if len(line.text) > _LONGEST_LINE else line.text
        yield f"{sign}   {text}{f'  {line.place}' if line.place else ''}"


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
