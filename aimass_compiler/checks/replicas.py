"""The most servers are not fewer than the fewest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import exchanged
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("serving.replicas",)
EXPLANATIONS = (
    Explanation(
        "AM241",
        "there would be fewer servers at most than at least",
        "`min` servers always run, and load starts more up to `max`. An environment that overrides one of "
        "them keeps the other as it is for all.",
    ),
)
EXAMPLES = (
    Example(
        "AM241",
        fails="environments: {prod: {serving: {replicas: {min: 6}}}}",
        passes="environments: {prod: {serving: {replicas: {min: 6, max: 12}}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Replicas whose `min` is above their `max`, for all or in one environment."""
    for path, replicas in written(pipeline, "serving.replicas"):
        if replicas.min > replicas.max:
            message = f"`min` is {replicas.min}, which is more than `max`, {replicas.max}"
            if path[0] == "environments":
                usual = pipeline.serving.replicas
                hint = f"write both; without an override they are {usual.min} and {usual.max}"
                yield Finding("AM241", (*path, "min"), message, help=hint)
            else:
                is_both = {"min", "max"} <= replicas.model_fields_set
                fix = exchanged(path, "min", "max", replicas) if is_both else None
                yield Finding("AM241", (*path, "min"), message, help="exchange them" if fix else "", fix=fix)
