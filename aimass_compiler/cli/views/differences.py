"""What applying would change in each object, for people and for Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aimass_compiler.cli.views.applied import title
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cli.views.object_lines import object_lines
from aimass_compiler.cli.views.paint import Paint, coloured, plain
from aimass_compiler.cluster.comparison import Difference
from aimass_compiler.cluster.outcomes import Action

_VERBS = {Action.CREATED: "to create", Action.CHANGED: "to change", Action.DELETED: "to delete"}


def drawn(found: Iterable[Difference], *, is_coloured: bool = False) -> str:
    """Every model: what would be created, changed and deleted, and the fields of what would be changed."""
    paint = coloured if is_coloured else plain
    return "".join(f"{line}\n" for each in found for line in _lines(each, paint))


def as_markdown(found: Iterable[Difference]) -> str:
    """The same in blocks of code, where nothing is markup."""
    return "".join(f"{line}\n" for each in found for line in _section(each))


def summary(difference: Difference) -> str:
    """What would happen, counted, in one line."""
    if difference.applied.failures:
        return "cannot be told"
    differing = [each.outcome.action for each in difference.objects if each.differs]
    told = [f"{differing.count(action)} {verb}" for action, verb in _VERBS.items() if action in differing]
    same = len(difference.objects) - len(differing)
    return ", ".join([*told, f"{same} as git has {'it' if same == 1 else 'them'}"])


def _lines(difference: Difference, paint: Paint) -> Iterator[str]:
    yield f"{paint(title(difference.applied), 'strong')}: {summary(difference)}"
    for compared in difference.objects:
        yield from object_lines(compared, paint)


def _section(difference: Difference) -> Iterator[str]:
    yield f"### {safe(difference.applied.model or 'models')} in {safe(difference.applied.environment)}"
    yield ""
    lines: Sequence[str] = list(_lines(difference, plain))
    for failure in difference.applied.failures:
        lines = [
            *lines,
            safe(f"error: {failure}"),
            *([safe(f"help: {failure.help}")] if failure.help else []),
        ]
    yield from fenced(lines, "diff")
    yield ""
