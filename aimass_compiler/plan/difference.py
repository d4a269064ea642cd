"""A plan as a unified diff, as `git diff` shows it at the project's root."""

from __future__ import annotations

from difflib import unified_diff as difflib_unified_diff
from typing import TYPE_CHECKING

from aimass_compiler.plan.comparison import Action, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING = "/dev/null"


def unified_diff(plan: Plan) -> str:
    """What would change in every file, sorted by path; edits made by hand are shown as undone."""
    return "".join(
        line
        for change in plan.changes
        if change.action is not Action.UNCHANGED
        for line in file_diff(
            f"{plan.shown_as}/{change.path}",
            plan.previous.get(change.path),
            plan.files.get(change.path),
        )
    )


def file_diff(path: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    """The lines of the diff of one file; None is a file that is not there."""
    old = _NOTHING if before is None else f"a/{path}"
    new = _NOTHING if after is None else f"b/{path}"
    texts = _text(before), _text(after)
    if texts[0] is None or texts[1] is None:
        yield f"Binary files {old} and {new} differ\n"
        return
    for line in difflib_unified_diff(_split(texts[0]), _split(texts[1]), old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _text(content: bytes | None) -> str | None:
    """The content as text; None when it is binary, which Git, too, tells by a NUL."""
    if content is None:
        return ""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _split(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    return lines[:-1] if text.endswith("\n") or not text else [*lines[:-1], lines[-1][:-1]]
