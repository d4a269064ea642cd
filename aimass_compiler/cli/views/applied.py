"""What applying or deleting did, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.paint import Paint, Style, coloured, plain
from aimass_compiler.cluster.outcomes import Action, Applied, Outcome

_SIGNS: Mapping[Action, tuple[str, Style]] = {
    Action.CREATED: ("+", "added"),
    Action.CHANGED: ("~", "warning"),
    Action.DELETED: ("-", "removed"),
    Action.LEFT: ("!", "note"),
}


def drawn(applied: Applied, *, is_coloured: bool = False) -> str:
    """One model in one environment: what happened to its objects, and why not more."""
    paint = coloured if is_coloured else plain
    return "".join(f"{line}\n" for line in _lines(applied, paint))


def _lines(applied: Applied, paint: Paint) -> Iterator[str]:
    yield f"{paint(title(applied), 'strong')}: {summary(applied)}"
    for outcome in applied.outcomes:
        if outcome.action in _SIGNS:
            sign, style = _SIGNS[outcome.action]
            yield f"  {paint(sign, style)} {object_line(outcome)}"


def title(applied: Applied) -> str:
    """Which model it is, in which environment and version."""
    name = f"{applied.model or 'models'} in {applied.environment} ({applied.namespace}"
    return safe(f"{name}, {applied.version})" if applied.version else f"{name})")


def object_line(outcome: Outcome) -> str:
    """An object, and what is to be said of it."""
    return safe(f"{outcome.key}, {outcome.reason}" if outcome.reason else str(outcome.key))


def summary(applied: Applied) -> str:
    """What happened, counted, in one line."""
    counted = [(applied.count(action), action) for action in Action]
    told = ", ".join(f"{count} {action}" for count, action in counted if count)
    if applied.failures:
        return f"failed; {told}" if told else "failed, and nothing was changed"
    if applied.is_dry_run:
        return f"a dry run: {told or 'nothing'}"
    if applied.is_removal:
        return f"{told or 'nothing'}; nothing of it is left"
    return f"{told or 'nothing'}{'; ready' if applied.is_ready else ''}; {applied.seconds:.1f} s"
