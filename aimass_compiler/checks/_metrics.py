"""The metrics that a pipeline names, and those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.task import Task


def named(pipeline: Pipeline) -> Iterator[tuple[Path, str]]:
    """Every name of a metric with its place."""
    yield ("objective", "metric"), pipeline.objective.metric
    for place, name in enumerate(pipeline.evaluation.metrics or ()):
        yield ("evaluation", "metrics", place), name
    for place, gate in enumerate(pipeline.evaluation.gates):
        yield ("evaluation", "gates", place, "metric"), gate.metric


def metric_of(name: str) -> type[Metric] | None:
    """The metric of this name, if there is one."""
    found = load("metrics", name) if name in names("metrics") else None
    return found if found is not None and issubclass(found, Metric) else None


def known(task: Task) -> list[str]:
    """The metrics for a task, sorted."""
    return [name for name in names("metrics") if (found := metric_of(name)) and found.task == task.kind]
