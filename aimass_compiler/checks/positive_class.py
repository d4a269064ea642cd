"""Metrics of one class need the positive class: declared, and a class of the target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aimass_compiler.checks._catalog import metric_of, named_metrics
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import (
    Assign,
    Explanation,
    Finding,
    Fix,
    Related,
    Remove,
    Severity,
    did_you_mean,
    respelt,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("target",)
EXPLANATIONS = (
    Explanation(
        "AM290",
        "the positive class is not one of two classes",
        "`positive` names one of the two classes of the target, in the words of its `values`. A number has "
        "no classes, and of more than two each one is judged and the mean is taken.",
    ),
    Explanation(
        "AM291",
        "the positive class is not declared",
        "Precision, recall, f1 and average_precision of two classes are those of one of them: the recall of "
        "`yes` says nothing about that of `no`. Where `positive` does not say which, it is the last in "
        "`values`, so that reordering the list would change the gates. `aimass fix` writes down the "
        "current one.",
    ),
)
EXAMPLES = (
    Example("AM290", fails='positive: "ye"', passes='positive: "yes"'),
    Example(
        "AM290",
        fails='data: {columns: {churned: {type: category, values: ["no", so, "yes"]}}}\npositive: "yes"',
        passes='data: {columns: {churned: {type: category, values: ["no", "yes"]}}}\npositive: "yes"',
    ),
    Example(
        "AM291",
        fails="evaluation: {gates: [{metric: recall, min: 0.6}]}\npositive: null",
        passes='evaluation: {gates: [{metric: recall, min: 0.6}]}\npositive: "yes"',
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A positive class that there is not, or none where a metric is of it."""
    task, path = pipeline.task, ("positive",)
    if task.is_multilabel:
        return  # decoding says which value of each label is the positive one
    is_written = "positive" in task.model_fields_set
    if is_written and not task.is_binary:
        what = f"has {task.outputs} classes" if task.is_classification else "is a number"
        message = f"`{task.target}` {what}, and `positive` is one of two classes"
        away = Fix("remove `positive`", (Remove(path),))
        yield Finding("AM290", path, message, help=away.message, related=(declared(task.target),), fix=away)
    elif is_written and task.positive not in task.classes:
        message = f"`{task.target}` has no class `{task.positive}`"
        hint, fix = did_you_mean(str(task.positive), task.classes), respelt(path, task.positive, task.classes)
        yield Finding("AM290", path, message, help=hint, related=(declared(task.target),), fix=fix)
    elif task.is_binary and task.has_target and not is_written:
        yield from _unnamed(pipeline)


def _unnamed(pipeline: Pipeline) -> Iterator[Finding]:
    task = pipeline.task
    needing = [
        (path, f"the {name} of")
        for path, name in named_metrics(pipeline)
        if (metric := metric_of(name)) is not None and metric.is_of_positive
    ]
    if pipeline.evaluation.decision is not None:
        needing.append((("evaluation", "decision", "threshold"), "a threshold for"))
    for path, what in needing[:1]:
        message = f"this is {what} `{task.positive}`, only because that is the last of `values`"
        written = f"`positive: {json.dumps(task.positive, ensure_ascii=False)}`"
        fix = Fix(f"write {written}", (Assign(("positive",), task.positive),))
        values = ("data", "columns", task.target, "values")
        related = (Related(values, f"`{task.positive}` is the last one here"),)
        hint = f"declare it: {written}"
        yield Finding("AM291", path, message, help=hint, severity=Severity.WARNING, related=related, fix=fix)
