"""An object and what happens to it, with the fields that change, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.field_lines import field_lines
from aimass_compiler.cli.views.paint import Paint, Style, plain
from aimass_compiler.cluster.comparison import Compared
from aimass_compiler.cluster.outcomes import Action, Outcome

_SIGNS: Mapping[Action, tuple[str, Style]] = {
    Action.CREATED: ("+", "added"),
    Action.CHANGED: ("~", "warning"),
    Action.DELETED: ("-", "removed"),
    Action.LEFT: ("!", "note"),
}


def object_line(outcome: Outcome, paint: Paint = plain) -> Iterator[str]:
    """What happened to an object, and why; nothing of one that stayed as it was."""
    if outcome.action in _SIGNS:
        sign, style = _SIGNS[outcome.action]
        yield f"  {paint(sign, style)} {safe(str(outcome.key))}{safe(_reason(outcome.reason))}"


def object_lines(compared: Compared, paint: Paint = plain) -> Iterator[str]:
    """What would happen to an object, and to which of its fields."""
    if not compared.differs and compared.outcome.action is not Action.LEFT:
        return
    takes_over = compared.replaces
    for line in object_line(compared.outcome, paint):
        yield line if takes_over is None else f"{line}, in the place of {safe(takes_over.name)}"
    for change in compared.changes:
        yield from (f"      {line}" for line in field_lines(change, with_managers=takes_over is None))


def _reason(reason: str) -> str:
    return f", {reason}" if reason else ""
