"""Values that may be missing do not reach a model that needs them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from aimass_compiler.checks._catalog import suitable_models
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import either, formulas_in
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.expression.algebra import Column, Constant, Expression, IsMissing, Where
from aimass_compiler.expression.column_types import UNKNOWN
from aimass_compiler.pipeline.flow import Step

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features", "model")
EXPLANATIONS = (
    Explanation(
        "AM222",
        "a missing value would reach a model that cannot take it",
        "A column that declares `missing` may lack values, in training and in serving. Most models "
        "calculate with every feature and have no answer then. Fill the gaps with `impute`, choose a model "
        "that takes them, or leave `missing` out: then rows without a value are refused. `clean: "
        "[drop_missing: …]` drops such rows before training, so that the column need not declare `missing`.",
    ),
)
EXAMPLES = (
    Example(
        "AM222",
        fails="data: {columns: {charges: {type: number, missing: 0.05}}}",
        passes="data: {columns: {charges: {type: number, missing: 0.05}}}\n"
        "features: [impute: charges, one_hot: plan]",
    ),
)

#: Column → the declared column whose gaps it has.
Gaps = Mapping[str, str]


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns with gaps that nothing fills on the way to the model."""
    model = pipeline.first_model
    if model.takes_missing:
        return
    gaps: Gaps = {name: name for name, column in pipeline.row_columns.items() if column.is_nullable}
    for step in pipeline.flow.steps:
        gaps = _after(step, gaps)
    wanted = pipeline.flow.outcome
    reaching = [
        gaps[name]
        for name, kind in wanted.items()
        if name in gaps and kind.may_be_nan and isinstance(kind, model.examples.reads)
    ]
    for source in dict.fromkeys(reaching):
        share = pipeline.row_columns[source].missing
        message = (
            f"`{source}` may be missing in {100 * share:.3g} % of the rows, which `{model.kind}` cannot take"
        )
        path = ("data", "columns", source, "missing")
        yield Finding("AM222", path, message, help=_hint(pipeline, source))


def _hint(pipeline: Pipeline, source: str) -> str:
    from aimass_compiler.catalog.transforms.impute import Impute

    if not Impute.takes(pipeline.row_columns[source].column_type):
        return "leave `missing` out and drop such rows with `clean: [drop_missing: …]`"
    others = suitable_models(pipeline.task, pipeline.first_model.examples, accepts_missing=True)
    listed = either(f"`{name}`" for name in others)
    return f"fill it with `impute: {source}`, or choose a model that takes gaps: {listed}"


def _after(step: Step, gaps: Gaps) -> Gaps:
    """The columns with gaps behind a transform."""
    kept = {name: source for name, source in gaps.items() if name not in step.writes}
    if step.transform.fills_missing or gaps.keys().isdisjoint(step.reads):
        return kept
    written = {name: kind for name, kind in step.after.items() if name in step.writes}
    computed = _computed(step)
    found = {
        name: _gap_in(computed[name], gaps) if name in computed else _brought_along(step, name, gaps)
        for name, kind in written.items()
        if kind.may_be_nan or kind.is_string
    }
    return kept | {name: source for name, source in found.items() if source}


def _brought_along(step: Step, name: str, gaps: Gaps) -> str | None:
    """The gap that a result has because a number had it; a name that is missing becomes a code or zeros."""
    read = [known for known in step.reads if step.types.get(known, UNKNOWN).may_be_nan]
    own = [name] if name in read else read
    return next((gaps[known] for known in own if known in gaps), None)


def _computed(step: Step) -> Mapping[str, Expression]:
    """What a transform computes, where it can and need not learn anything first; else nothing."""
    types = {**dict.fromkeys(step.reads, UNKNOWN), **step.types}
    if any(formula.problem(types, "number") for _, formula in formulas_in(step.transform)):
        return {}
    table = {name: Column(name, kind) for name, kind in types.items()}
    if step.transform.dependencies or step.transform.learn(table):
        return {}
    results = step.transform.apply(table, {})
    return {name: result for name, result in results.items() if result is not None}


def _gap_in(expression: Expression, gaps: Gaps) -> str | None:
    """The declared column whose gaps make gaps in the result."""
    if isinstance(expression, Column):
        return gaps.get(expression.name)
    if isinstance(expression, Constant) or not (expression.type.may_be_nan or expression.type.is_string):
        return None
    operands = expression.operands
    if isinstance(expression, Where) and expression.condition == IsMissing(expression.otherwise):
        operands = (expression.then,)
    return next((source for source in (_gap_in(operand, gaps) for operand in operands) if source), None)
