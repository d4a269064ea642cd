"""What applying or deleting did, for the summary of a workflow's step.

Whatever comes from the cluster or a spec stands in a block of code, where nothing is markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aimass_compiler.cli.views.applied import drawn
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cluster.outcomes import Applied


def as_markdown(results: Sequence[Applied]) -> str:
    """Every model, in the order in which they were applied."""
    return "".join(f"{line}\n" for applied in results for line in _section(applied))


def _section(applied: Applied) -> Iterator[str]:
    sign = "❌" if applied.failures else "✅"
    yield f"### {sign} {applied.model or 'models'} in {applied.environment}"
    yield ""
    lines = drawn(applied).splitlines()
    for failure in applied.failures:
        lines.append(safe(f"error: {failure}"))
        lines += [safe(f"help: {failure.help}")] if failure.help else []
    yield from fenced(lines, "diff")
    yield ""
