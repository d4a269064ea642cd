"""The metrics that a spec names exist and judge what the model predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.metric import metric_named
from aimass_compiler.checks._catalog import metric_of, metrics_for, named_metrics, suits, task_at
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared_target, subject_of
from aimass_compiler.diagnostics import Explanation, Finding, did_you_mean, respelt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target")
EXPLANATIONS = (
    Explanation(
        "AM223",
        "there is no such metric",
        "Metrics have their names in scikit-learn: `roc_auc`, `root_mean_squared_error`.",
    ),
    Explanation(
        "AM224",
        "the metric does not judge what the model predicts",
        "Classes and numbers are judged by different metrics.",
    ),
    Explanation(
        "AM367",
        "the metric is of a label that there is not",
        "`f1_of`, `recall_of` and the like judge one of several labels, which they name by its column: one "
        "of those in `target`.",
    ),
)
_LABELS = (
    'data: {{columns: {{refunded: {{type: category, values: ["no", "yes"]}}}}}}\n'
    "target: [churned, refunded]\nevaluation: {{metrics: [{{f1_of: {}}}]}}"
)
EXAMPLES = (
    Example("AM223", fails="objective: {metric: roc_acu}", passes="objective: {metric: roc_auc}"),
    Example("AM367", fails=_LABELS.format("refund"), passes=_LABELS.format("refunded")),
    Example("AM224", fails="evaluation: {metrics: [r2]}", passes="evaluation: {metrics: [accuracy]}"),
)
_NOUNS = {
    "classification": "classes",
    "regression": "numbers",
    "clustering": "clusters",
    "anomaly": "anomalies without labels",
    "generation": "texts",
    "multilabel": "several labels",
}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Metrics that do not exist, or judge something else."""
    for path, name in named_metrics(pipeline):
        task, metric = task_at(pipeline, path), metric_of(name)
        if metric is None:
            beside = {other for place, other in named_metrics(pipeline) if place[:-1] == path[:-1]}
            fix = respelt(path, name, set(metrics_for(task)) - beside)
            hint = did_you_mean(name, metrics_for(task))
            yield Finding("AM223", path, f"there is no metric `{name}`", help=hint, fix=fix)
        elif not suits(metric, task):
            judged = "forecasts, by the scale of their series" if metric.is_scaled else _NOUNS[metric.task]
            message = f"`{name}` judges {judged}, but {subject_of(pipeline)}"
            hint = f"metrics of {_NOUNS[task.kind]}: " + ", ".join(f"`{name}`" for name in metrics_for(task))
            yield Finding("AM224", path, message, help=hint, related=declared_target(pipeline))
        elif (problem := metric_named(name).unfit(task)) is not None:
            hint = "the labels are " + ", ".join(f"`{label}`" for label in task.classes)
            yield Finding("AM367", path, problem, help=hint, related=declared_target(pipeline))
