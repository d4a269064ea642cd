"""A feature differs from row to row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import formulas_in
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.columns import Column

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM273",
        "a feature is the same in every row",
        "What never differs says nothing: a category with one value, a number whose `min` is its `max`, a "
        "formula without columns. Leave it out, or declare what else it may be.",
    ),
)
EXAMPLES = (
    Example(
        "AM273",
        fails="data: {columns: {plan: {values: [basic]}}}",
        passes="data: {columns: {plan: {values: [basic, plus]}}}",
    ),
    Example(
        "AM273",
        fails="features: [compute: {name: one, formula: '1'}, one_hot: plan]",
        passes="features: [compute: {name: one, formula: tenure + 1}, one_hot: plan]",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns and formulas that have one value."""
    gone = pipeline.flow.sources.keys() - pipeline.flow.outcome.keys()
    for name in pipeline.flow.sources:
        column = pipeline.row_columns[name]
        if name not in gone and name in pipeline.data.columns and _has_one_value(column):
            message = f"`{name}` is the same in every row, so nothing can be learned from it"
            path, hint = ("data", "columns", name), f"leave it out: `drop: {name}`"
            yield Finding("AM273", path, message, help=hint, severity=Severity.WARNING, at_key=True)
    for step in pipeline.flow.steps:
        for key, formula in formulas_in(step.transform):
            if not formula.columns:
                message = "this formula reads no column, so it is the same in every row"
                yield Finding("AM273", (*step.path, key), message, severity=Severity.WARNING)


def _has_one_value(column: Column) -> bool:
    """Whether there is one value and never none: a gap would be a difference."""
    if column.is_nullable:
        return False
    if isinstance(column, NumberColumn):
        return column.min is not None and column.min == column.max
    return isinstance(column, CategoryColumn) and len(set(column.values or ("", "other"))) == 1
