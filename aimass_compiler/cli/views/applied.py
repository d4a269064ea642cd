"""What applying or deleting did, for people."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.object_lines import object_line, object_lines
from aimass_compiler.cli.views.paint import Paint, coloured, plain
from aimass_compiler.cluster.comparison import difference
from aimass_compiler.cluster.outcomes import Action, Applied


def drawn(applied: Applied, *, is_coloured: bool = False) -> str:
    """One model in one environment: what happened to its objects, and why not more."""
    paint = coloured if is_coloured else plain
    return "".join(f"{line}\n" for line in _lines(applied, paint))


def _lines(applied: Applied, paint: Paint) -> Iterator[str]:
    yield f"{paint(title(applied), 'strong')}: {summary(applied)}"
    if applied.is_dry_run:
        for compared in difference(applied).objects:
            yield from object_lines(compared, paint)
    else:
        for outcome in applied.outcomes:
            yield from object_line(outcome, paint)


def title(applied: Applied) -> str:
    """Which model it is, in which environment and version."""
    name = f"{applied.model or 'models'} in {applied.environment} ({applied.namespace}"
    return safe(f"{name}, {applied.version})" if applied.version else f"{name})")


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
