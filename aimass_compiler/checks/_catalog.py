"""What the catalog has for a task: models that would do, and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.metric import metric_kind
from aimass_compiler.catalog.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.examples import Read
    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline


def suitable_models(task: Task, examples: Read | type[Read], *, accepts_missing: bool = False) -> list[str]:
    """The models for this task and these features, sorted."""
    return [
        name
        for name in names("models")
        if issubclass(model := load("models", name), Model)
        and not any(field.is_required() for field in model.model_fields.values())
        and task.kind in model.tasks
        and (model.reads_target or not task.has_target)
        and model.examples.column == examples.column
        and (model.accepts_missing or not accepts_missing)
    ]


def named_metrics(pipeline: Pipeline) -> Iterator[tuple[Path, str]]:
    """Every name of a metric with its place, those of the default metrics aside."""
    yield ("objective", "metric"), pipeline.objective.metric
    is_written = "metrics" in pipeline.evaluation.model_fields_set
    for place, name in enumerate(pipeline.evaluation.metrics or () if is_written else ()):
        yield ("evaluation", "metrics", place), name
    decision = pipeline.evaluation.decision
    if decision is not None and decision.rule is not None and decision.rule.metric is not None:
        yield ("evaluation", "decision", "threshold", "metric"), decision.rule.metric
    for place, gate in enumerate(pipeline.evaluation.gates):
        yield ("evaluation", "gates", place, "metric"), gate.metric


def metric_of(name: str) -> type[Metric] | None:
    """The metric of this name, if there is one."""
    return metric_kind(name)


def metrics_for(task: Task) -> list[str]:
    """The metrics for a task, sorted."""
    return [name for name in names("metrics") if (found := metric_of(name)) and suits(found, task)]


def suits(metric: type[Metric], task: Task) -> bool:
    """Whether a metric judges what a task predicts."""
    return metric.task == task.kind and (task.forecast is not None or not metric.is_scaled)
