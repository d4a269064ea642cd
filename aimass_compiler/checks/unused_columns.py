"""Columns that are declared but never become features, and models that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.examples import ALONE, Matrix
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity, nearest
from aimass_compiler.expression.column_types import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.expression.column_types import ColumnType
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features", "model", "evaluation.slices")
EXPLANATIONS = (
    Explanation(
        "AM216",
        "a column never becomes a feature",
        "Models read numbers. A category or a text that no transform turns into numbers reaches no model, "
        "and a model for images or sequences reads nothing else. Turn the column into numbers, or say with "
        "`drop` that it is not wanted.",
    ),
    Explanation(
        "AM217",
        "no feature is left",
        "Behind the transforms there is no column that a model could learn from.",
    ),
)
EXAMPLES = (
    Example("AM216", fails="features: [log: tenure]", passes="features: [log: tenure, drop: plan]"),
    Example(
        "AM217", fails="features: [drop: [tenure, charges, plan]]", passes="features: [drop: [charges, plan]]"
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns that reach no model, and a model that no column reaches."""
    if pipeline.first_model.conversation(()) is not None:
        return  # `checks/language_model` tells
    found = pipeline.flow.outcome
    reads = pipeline.first_model.examples.reads
    if pipeline.first_model.examples.column:
        beside = [name for name, kind in found.items() if not isinstance(kind, (*ALONE, Unknown))]
        if any(isinstance(kind, reads) for kind in found.values()):
            yield from (_beside(pipeline, name) for name in beside)
        return
    for name, kind in found.items():
        if kind.encoder and name not in _with_a_purpose(pipeline) | _misspelt(pipeline):
            yield _never_a_feature(pipeline, name, kind)
    if not any(isinstance(kind, (*Matrix.reads, *ALONE, Unknown)) for kind in found.values()):
        yield Finding(
            "AM217",
            ("features",),
            f"no feature is left that `{pipeline.first_model.kind}` could learn from",
            help="keep a number, or turn a category or a text into numbers",
            at_key=True,
        )


def _with_a_purpose(pipeline: Pipeline) -> set[str]:
    """The columns that something else than the model reads, be it what makes another column of them."""
    data = pipeline.data
    read = [*data.split.columns_read(), *pipeline.evaluation.slices]
    read += [name for gate in pipeline.evaluation.gates for name in gate.slice or ()]
    read += [] if pipeline.task.forecast is None else pipeline.task.forecast.keys
    read += [name for step in data.clean for name in step.columns_read()]
    read += [name for join in data.join for name in join.columns_of_left()]
    read += [join.time.right for join in data.join if join.time]
    read += [join.order_by for join in data.join if join.order_by]
    read += [name for step in pipeline.flow.steps for name in step.reads if name not in step.writes]
    return set(read)


def _misspelt(pipeline: Pipeline) -> set[str]:
    """The columns that a name nobody declared is like: what is said of that name says enough."""
    columns = pipeline.data.columns
    unknown = {
        name: step.types
        for step in pipeline.flow.steps
        for name in step.reads
        if name not in columns and name not in step.types and name not in step.changed_by
    }
    return {meant for name, types in unknown.items() if (meant := nearest(name, types))}


def _never_a_feature(pipeline: Pipeline, name: str, kind: ColumnType) -> Finding:
    message = f"`{name}` never becomes a feature: `{pipeline.first_model.kind}` cannot read {kind}"
    way = f"`{kind.encoder}: {name}`"
    hint = f"turn it into numbers, such as with {way}, or leave it out: `drop: {name}`"
    return _warning(name, message, hint)


def _beside(pipeline: Pipeline, name: str) -> Finding:
    model = pipeline.first_model
    message = f"`{name}` never becomes a feature: `{model.kind}` reads the {model.examples.column} only"
    return _warning(name, message, f"leave it out: `drop: {name}`")


def _warning(name: str, message: str, hint: str) -> Finding:
    path = ("data", "columns", name)
    return Finding("AM216", path, message, help=hint, severity=Severity.WARNING, at_key=True)
