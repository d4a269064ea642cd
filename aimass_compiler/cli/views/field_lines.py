"""Fields of objects that differ, and who manages them, as lines for people."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cluster.difference import NOTHING, SECRET, Addition, FieldChange
from aimass_compiler.cluster.drift import Cause, FieldDrift
from aimass_compiler.cluster.fields import Manager, shown

_LONGEST_VALUE = 80
_MOST_LINES = 12
_YEAR_TO_MINUTE = "%Y-%m-%d %H:%M UTC"


def field_lines(change: FieldChange, *, with_managers: bool = True) -> Iterator[str]:
    """A field with its two values, and who else manages it; a text of several lines as a difference."""
    whose = f"  ({managed_by(change.others)})" if with_managers and change.others else ""
    if _is_text(change.live) and _is_text(change.wanted):
        yield f"{safe(shown(change.path))}:{whose}"
        yield from _text(change.live, change.wanted)
    else:
        yield f"{safe(shown(change.path))}: {value(change.live)} → {value(change.wanted)}{whose}"


def field_drift_lines(drift: FieldDrift) -> Iterator[str]:
    """A field as it is and as git has it, and who made it so."""
    change = drift.change
    whose = str(drift.cause)
    if drift.cause is Cause.CHANGED:
        gone = "somebody took it away" if change.live is NOTHING else whose
        whose = " and ".join(map(manager, change.others)) or gone
    if _is_text(change.live) and _is_text(change.wanted):
        yield f"{safe(shown(change.path))}: not the text that git has; {whose}"
        yield from _text(change.live, change.wanted)
    else:
        yield f"{safe(shown(change.path))}: is {value(change.live)}, in git {value(change.wanted)}; {whose}"


def addition_line(addition: Addition) -> str:
    """A field that others added."""
    return f"{safe(shown(addition.path))}  (by {manager(addition.manager)})"


def managed_by(managers: Sequence[Manager]) -> str:
    """Who manages something, in some words."""
    return f"managed by {' and '.join(map(manager, managers))}"


def manager(found: Manager) -> str:
    """A manager, how it wrote and when."""
    way = "applied" if found.operation == "Apply" else "changed it"
    through = f" through `{found.subresource}`" if found.subresource else ""
    when = f" on {moment(found.time)}" if found.time else ""
    return f"`{safe(found.name)}`, which {way}{through}{when}"


def moment(time: str) -> str:
    """A time of the API server, to the minute."""
    try:
        return datetime.fromisoformat(time).strftime(_YEAR_TO_MINUTE)
    except ValueError:
        return safe(time)


def value(found: Any) -> str:
    """A value on one line: text as it is, everything else as JSON, and long ones cut."""
    if found is NOTHING:
        return "nothing"
    if found is SECRET:
        return "(secret)"
    text = found if isinstance(found, str) and found.strip() == found != "" else json.dumps(found)
    text = safe(text.replace("\n", "⏎"))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _is_text(found: Any) -> bool:
    return isinstance(found, str) and "\n" in found


def _text(before: str, after: str) -> Iterator[str]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))[2:]
    yield from (f"  {safe(line)}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"  … and {len(lines) - _MOST_LINES} more lines"
