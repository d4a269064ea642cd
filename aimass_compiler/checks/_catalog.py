"""What the catalog has for a task: models that would do, and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.metric import metric_kind
from aimass_compiler.catalog.model import Model
from aimass_compiler.pipeline.decision import ThresholdRule

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
        and model.suits(task)
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
    for label, threshold in () if decision is None else (decision.thresholds or {}).items():
        if isinstance(threshold, ThresholdRule) and threshold.metric is not None:
            yield ("evaluation", "decision", "thresholds", label, "metric"), threshold.metric
    for place, gate in enumerate(pipeline.evaluation.gates):
        yield ("evaluation", "gates", place, "metric"), gate.metric


def task_at(pipeline: Pipeline, path: Path) -> Task:
    """The task that a metric at this place judges: a decision about a label is one between two classes."""
    task = pipeline.task
    return task.of_label(0) if task.is_multilabel and path[:2] == ("evaluation", "decision") else task


def metric_of(name: str) -> type[Metric] | None:
    """The metric of this name, if there is one."""
    return metric_kind(name)


def metrics_for(task: Task) -> list[str]:
    """The metrics for a task, sorted."""
    return [name for name in names("metrics") if (found := metric_of(name)) and suits(found, task)]


def suits(metric: type[Metric], task: Task) -> bool:
    """Whether a metric judges what a task predicts."""
    return metric.task == task.kind and (task.forecast is not None or not metric.is_scaled)
