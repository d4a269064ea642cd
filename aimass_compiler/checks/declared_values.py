"""The parameters of transforms suit what is declared of their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.transform import DeclaredValues, ParameterIssue
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.flow import Step

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM270",
        "a transform changes nothing",
        "The contract in `data.columns` is checked on every row before the transforms see it. What it rules "
        "out never comes: a gap where `missing` is 0, a number beyond `min` and `max`. Leave the transform "
        "out, or loosen the contract if such rows should be taken.",
    ),
    Explanation(
        "AM271",
        "a transform waits for a value that never comes",
        "The contract in `data.columns` rules the value out: it is no declared value of the category, or "
        "lies beyond `min` and `max`.",
    ),
    Explanation(
        "AM272",
        "a transform loses values that the contract allows",
        "The logarithm of a number that is not positive is missing, and a name that `values` leaves out is "
        "the same to the model as one that it never saw. Say in `data.columns` that such values do not "
        "come, or choose the parameters so that all find a place.",
    ),
)
EXAMPLES = (
    Example(
        "AM270",
        fails="features: [impute: charges, one_hot: plan]",
        passes="data: {columns: {charges: {type: number, missing: 0.1}}}\n"
        "features: [impute: charges, one_hot: plan]",
    ),
    Example(
        "AM270",
        fails="features: [clip: {columns: tenure, min: 0}, one_hot: plan]",
        passes="features: [clip: {columns: tenure, min: 1}, one_hot: plan]",
    ),
    Example(
        "AM270",
        fails="features: [drop: plan, select: 4]",
        passes="features: [drop: plan, select: 1]",
    ),
    Example(
        "AM271",
        fails="features: [bucket: {column: tenure, bounds: [-5, 12]}, one_hot: plan]",
        passes="features: [bucket: {column: tenure, bounds: [5, 12]}, one_hot: plan]",
    ),
    Example(
        "AM271",
        fails="features: [ordinal: {columns: plan, values: [basic, plus, prro, pro]}]",
        passes="features: [ordinal: {columns: plan, values: [basic, plus, pro]}]",
    ),
    Example(
        "AM272",
        fails="features: [log: {columns: tenure, offset: 0}, one_hot: plan]",
        passes="features: [log: {columns: tenure, offset: 1}, one_hot: plan]",
    ),
    Example(
        "AM272",
        fails="features: [ordinal: {columns: plan, values: [basic, plus]}]",
        passes="features: [ordinal: {columns: plan, values: [basic, plus, pro]}]",
    ),
)
_CODES = {ParameterIssue.IDLE: "AM270", ParameterIssue.NEVER: "AM271", ParameterIssue.LOST: "AM272"}
_HINTS = {
    ParameterIssue.IDLE: "leave it out, or loosen the contract",
    ParameterIssue.NEVER: "",
    ParameterIssue.LOST: "",
}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Parameters that the declarations make pointless."""
    contract = {name: _declared(column) for name, column in pipeline.data.columns.items()}
    for step in pipeline.flow.steps:
        if step.takes_all:
            yield from _of_step(step, contract)


def _of_step(step: Step, contract: dict[str, DeclaredValues]) -> Iterator[Finding]:
    unchanged = {
        name: contract[name] for name in step.reads if name in contract and name not in step.changed_by
    }
    for doubt, keys, message in step.transform.doubts(unchanged, step.types):
        notes = tuple(declared(name) for name in unchanged if f"`{name}`" in message)
        path, hint = (*step.path, *keys), _HINTS[doubt]
        if doubt is ParameterIssue.IDLE and not notes:
            hint = "leave it out"
        yield Finding(_CODES[doubt], path, message, help=hint, severity=Severity.WARNING, related=notes)


def _declared(column: Column) -> DeclaredValues:
    missing = column.is_nullable
    if isinstance(column, NumberColumn):
        return DeclaredValues(column.min, column.max, None, missing)
    return DeclaredValues(None, None, column.values if isinstance(column, CategoryColumn) else None, missing)
