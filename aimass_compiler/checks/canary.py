"""A canary gets more and more of the traffic, and all of it in the end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("serving.rollout",)
EXPLANATIONS = (
    Explanation(
        "AM242",
        "the steps of the canary do not lead to all of the traffic",
        "Each step is the percentage of the traffic that the new version gets: rising, and 100 at last.",
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
    """Steps out of order, and a rollout that never ends."""
    for path, steps in written(pipeline, "serving.rollout.canary"):
        if steps:
            yield from _of_steps(path, steps)


def _of_steps(path: Path, steps: tuple[float, ...]) -> Iterator[Finding]:
    falls = [place for place, (before, step) in enumerate(pairwise(steps), start=1) if step <= before]
    for place in falls:
        message = f"the steps of `canary` rise, but {steps[place]:g} follows {steps[place - 1]:g}"
        yield Finding("AM242", (*path, place), message)
    if steps[-1] < 100 and len(steps) - 1 not in falls:  # noqa: PLR2004  # per cent
        message = f"the last step of `canary` is 100, not {steps[-1]:g}"
        yield Finding("AM242", (*path, len(steps) - 1), message, help="add `100` at the end")
