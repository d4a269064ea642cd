"""What applying or deleting did, for the summary of a workflow's step.

Whatever comes from the cluster or a spec stands in a block of code, where nothing is markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass_compiler.cli.views.applied import summary, title
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cli.views.object_lines import object_lines
from aimass_compiler.cluster.comparison import compared
from aimass_compiler.cluster.outcomes import Applied


def as_markdown(results: Sequence[Applied]) -> str:
    """Every model, in the order in which they were applied."""
    return "".join(f"{line}\n" for applied in results for line in _section(applied))


def _section(applied: Applied) -> Iterator[str]:
    sign = "❌" if applied.failures else "✅"
    yield f"### {sign} {safe(applied.model or 'models')} in {safe(applied.environment)}"
    yield ""
    yield from fenced(_lines(applied), "diff")
    yield ""


def _lines(applied: Applied) -> Iterator[str]:
    yield f"{title(applied)}: {summary(applied)}"
    for each in compared(applied.outcomes):
        yield from object_lines(each)
    for failure in applied.failures:
        yield from (safe(line) for line in f"error: {failure}".splitlines())
        yield from (safe(line) for line in f"help: {failure.help}".splitlines() if failure.help)
