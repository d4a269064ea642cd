"""A tree of changes, as plan, diff, drift and apply show it: in lines for people, and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from aimass_compiler.cli.terminal import Paint, Style, plain
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.impact.changes import Change, Sign

_STYLES: Mapping[Sign, Style] = {
    Sign.ADDED: "added",
    Sign.REMOVED: "removed",
    Sign.CHANGED: "changed",
    Sign.WARNING: "changed",
}
#: How a `diff` block of Markdown colours them: with + and -, and ! for what changes.
_MARKS: Mapping[Sign, str] = {Sign.CHANGED: "!", Sign.NONE: " "}
#: Where text begins in a `diff` block, behind the signs.
_LEFT = 2
#: Names and values of a spec may be of any length.
_LONGEST_LINE = 400
_BACKTICKS = re.compile(r"`+")


def lines(change: Change, paint: Paint = plain, indent: str = "") -> Iterator[str]:
    """A change and all below it, a level deeper each; of the first the text is strong."""
    sign = f"{paint(change.sign, _STYLES[change.sign]) if change.sign in _STYLES else change.sign} "
    text = safe(change.text) if indent else paint(safe(change.text), "strong")
    location = paint(f"  {safe(change.location)}", "dim") if change.location else ""
    yield f"{indent}{sign if change.sign else ''}{text}{safe(change.reason)}{location}"
    for child in change.children:
        yield from lines(child, paint, indent + ("    " if change.sign else "  "))


def as_text(change: Change, paint: Paint = plain) -> str:
    """The same as text."""
    return "".join(f"{line}\n" for line in lines(change, paint))


def diff_lines(change: Change, column: int = _LEFT) -> Iterator[str]:
    """The same for a `diff` block of Markdown, whose signs must stand in the first column."""
    text = safe(f"{change.text}{change.reason}")
    text = f"{text[:_LONGEST_LINE]}…" if len(text) > _LONGEST_LINE else text
    location = f"  {safe(change.location)}" if change.location else ""
    yield f"{_MARKS.get(change.sign, change.sign)}{' ' * (column - 1)}{text}{location}"
    for child in change.children:
        yield from diff_lines(child, column + (2 if child.sign or column > _LEFT else 0))


def as_markdown(title: str, change: Change) -> str:
    """A tree below a heading: in a block, where nothing that a cluster or a spec says is markup."""
    block = fenced(diff_lines(change), "diff")
    return "".join(f"{line}\n" for line in (f"### {safe(title)}", "", *block, ""))


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """The lines between fences that are longer than any in them, so that nothing inside can end the block.

    Source: https://github.github.com/gfm (fenced code blocks)
    """
    listed = list(lines)
    longest = max((len(run) for line in listed for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from listed
    yield fence
