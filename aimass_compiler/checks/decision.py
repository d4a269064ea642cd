"""A threshold is of two classes or a label, and is chosen by a metric that it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._catalog import metric_of, metrics_for, named_metrics, suits
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared_target, either
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Remove, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.decision import Decision

NEEDS = ("data", "target", "evaluation.decision")
EXPLANATIONS = (
    Explanation(
        "AM343",
        "a threshold without two classes",
        "A threshold on the probability of the positive class gives a row one of two classes. Of more, the "
        "likeliest is given; a number has none. `thresholds` are of several labels, each by its column.",
    ),
    Explanation(
        "AM344",
        "the threshold does not move this metric",
        "A threshold decides labels. roc_auc, average_precision and log_loss look at the probabilities and "
        "are the same for every threshold. Recall alone is best where all rows are given the class, and "
        "precision where one is: ask for a value of them, as in `{recall: 0.5}`.",
    ),
)
EXAMPLES = (
    Example(
        "AM343",
        fails='data: {columns: {churned: {type: category, values: ["no", so, "yes"]}}}\n'
        "evaluation: {decision: {threshold: 0.2}}",
        passes='positive: "yes"\nevaluation: {decision: {threshold: 0.2}}',
    ),
    Example(
        "AM344",
        fails='positive: "yes"\nevaluation: {decision: {threshold: {metric: roc_auc}}}',
        passes='positive: "yes"\nevaluation: {decision: {threshold: {metric: f1}}}',
    ),
)
#: What is best at an end, so that it chooses nothing.
_ONE_SIDED = ("precision", "recall")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A decision between other than two classes, or by what no threshold moves."""
    decision, task = pipeline.evaluation.decision, pipeline.task
    if decision is None:
        return
    path = ("evaluation", "decision")
    if task.is_multilabel:
        yield from _of_labels(pipeline, decision)
        return
    if decision.thresholds is not None:
        place = (*path, "thresholds")
        message = "`thresholds` are of several labels, and `target` names one column"
        yield Finding("AM343", place, message, help="write `threshold`", at_key=True)
        return
    if not task.is_binary:
        what = f"has {task.outputs} classes" if task.is_classification else "is a number"
        message = (
            f"{f'`{task.target}`' if task.has_target else 'the clustering'} {what}, and a threshold parts two"
        )
        fix = Fix("leave `decision` out", (Remove(path),))
        note = declared_target(pipeline)
        yield Finding("AM343", path, message, help=fix.message, related=note, at_key=True, fix=fix)
        return
    wanted = None if decision.rule is None else decision.rule.metric
    metric = None if wanted is None else metric_of(wanted)
    if metric is None or metric.task != task.kind:
        return
    yield from _unmoved((*path, "threshold", "metric"), str(wanted), task)


def _of_labels(pipeline: Pipeline, decision: Decision) -> Iterator[Finding]:
    """Thresholds of labels that there are not, and metrics that no threshold moves."""
    path, task = ("evaluation", "decision"), pipeline.task
    for name in decision.thresholds or ():
        if name not in task.classes:
            hint = did_you_mean(name, task.classes)
            message = f"there is no label `{name}`"
            yield Finding("AM343", (*path, "thresholds", name), message, help=hint, at_key=True)
    two_classes = task.of_label(0)
    for place, wanted in named_metrics(pipeline):
        metric = metric_of(wanted)
        if place[:2] == path and metric is not None and suits(metric, two_classes):
            yield from _unmoved(place, wanted, two_classes)


def _unmoved(place: Path, wanted: str, task: Task) -> Iterator[Finding]:
    useful = [name for name in metrics_for(task) if _is_useful(name)]
    if wanted not in useful:
        hint = f"choose by {either(f'`{name}`' for name in useful)}, or by a value of recall or precision"
        yield Finding("AM344", place, f"no threshold is the best one for `{wanted}`", help=hint)


def _is_useful(name: str) -> bool:
    metric = metric_of(name)
    return metric is not None and metric.is_of_labels and name not in _ONE_SIDED
