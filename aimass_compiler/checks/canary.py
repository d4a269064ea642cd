"""A canary gets more and more of the traffic, and all of it in the end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Finding, Path
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline.places import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM242",
        "the steps of the canary do not lead to all of the traffic",
        "Each step is the percentage of the traffic that the new version gets: above 0, rising, and 100 at "
        "last.",
    ),
)
EXAMPLES = (
    Example(
        "AM242",
        fails="serving: {rollout: {canary: [100, 50, 100]}}",
        passes="serving: {rollout: {canary: [50, 100]}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Steps out of range or out of order, and a rollout that never ends."""
    for path, steps in written(pipeline, "serving.rollout.canary"):
        if steps:
            yield from _of_steps(path, steps)


def _of_steps(path: Path, steps: tuple[float, ...]) -> Iterator[Finding]:
    for place, step in enumerate(steps):
        if not 0 < step <= 100:  # noqa: PLR2004  # per cent
            message = f"a step of `canary` is above 0 and at most 100, not {step:g}"
            yield Finding("AM242", (*path, place), message)
    for place, (before, step) in enumerate(pairwise(steps), start=1):
        if step <= before:
            message = f"the steps of `canary` rise, but {step:g} follows {before:g}"
            yield Finding("AM242", (*path, place), message)
    if steps[-1] < 100:  # noqa: PLR2004  # per cent
        message = f"the last step of `canary` is 100, not {steps[-1]:g}"
        yield Finding("AM242", (*path, len(steps) - 1), message, help="add `100` at the end")
