"""Cleaning leaves rows that the contract takes, and enough of them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, formulas_in
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.expression.algebra import Column, Comparison, Constant, Logical
from aimass_compiler.expression.column_types import NUMBER
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.expression.algebra import Expression
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data",)
EXPLANATIONS = (
    Explanation(
        "AM274",
        "cleaning keeps only rows that the contract refuses",
        "What `keep` demands and what `data.columns` declares exclude each other, so that either no row is "
        "left or the rows that are left break the contract. Mostly a sign is the wrong way round.",
    ),
    Explanation(
        "AM275",
        "hardly a row is left",
        "`drop_duplicates` keeps one row for each combination of its columns, and these have only so many. "
        "Name a key, such as `customer_id`.",
    ),
)
EXAMPLES = (
    Example(
        "AM274",
        fails="data: {clean: [keep: tenure < 0]}",
        passes="data: {clean: [keep: tenure > 0]}",
    ),
    Example(
        "AM275",
        fails="data: {clean: [drop_duplicates: plan]}",
        passes="data: {clean: [drop_duplicates: customer_id]}",
    ),
)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
#: With fewer rows there is nothing to learn from.
_FEW_ROWS = 50


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Claims that no declared row meets, and keys with a handful of values."""
    columns = pipeline.data.columns
    for place, step in enumerate(pipeline.data.clean):
        path: Path = ("data", "clean", place, step.kind)
        for key, formula in formulas_in(step):
            types = {name: columns[name].column_type for name in formula.columns if name in columns}
            meaning = formula.meaning(types, "claim") if len(types) == len(formula.columns) else ""
            if not isinstance(meaning, str):
                yield from _impossible(pipeline, (*path, key), meaning)
        yield from _few_rows(pipeline, path, step.unique_by())


def _impossible(pipeline: Pipeline, path: Path, claim: Expression) -> Iterator[Finding]:
    """The parts that must all be true, where one never is."""
    if isinstance(claim, Logical) and claim.operator == "and":
        for part in claim.operands:
            yield from _impossible(pipeline, path, part)
    if not isinstance(claim, Comparison):
        return
    operator: str = claim.operator
    left, right = claim.left, claim.right
    if isinstance(left, Constant):
        left, operator, right = right, _MIRRORED.get(operator, ""), left
    if not isinstance(left, Column) or not isinstance(right, Constant) or left.type != NUMBER:
        return
    column = pipeline.data.columns[left.name]
    if isinstance(column, NumberColumn) and _excludes(column, operator, float(right.value)):
        message = f"no row is left: `{left.name}` is never {operator} {float(right.value):g}"
        yield Finding("AM274", path, message, related=(declared(left.name),))


def _excludes(column: NumberColumn, operator: str, bound: float) -> bool:
    least = column.min if column.min is not None else float("-inf")
    most = column.max if column.max is not None else float("inf")
    return {
        "<": least >= bound,
        "<=": least > bound,
        ">": most <= bound,
        ">=": most < bound,
        "==": not least <= bound <= most,
    }.get(operator, False)


def _few_rows(pipeline: Pipeline, path: Path, by: tuple[str, ...]) -> Iterator[Finding]:
    columns = [pipeline.data.columns.get(name) for name in by]
    values = [column.values for column in columns if isinstance(column, CategoryColumn) and column.values]
    if by and len(values) == len(by) and (rows := prod(len(names) for names in values)) < _FEW_ROWS:
        message = f"at most {rows} rows are left, one for each {' and '.join(f'`{name}`' for name in by)}"
        notes = tuple(declared(name) for name in by)
        hint = "name a key that has many values"
        yield Finding("AM275", path, message, help=hint, severity=Severity.WARNING, related=notes)
