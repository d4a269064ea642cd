"""Formulas calculate with numbers, compare like with like, and claim something where a claim is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._flow import UNKNOWN, steps
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Finding, Path, Severity, did_you_mean
from aimass_compiler.explanations import Explanation
from aimass_compiler.expression.algebra import (
    Arithmetic,
    Column,
    Comparison,
    Constant,
    Expression,
    Function,
    Logical,
    Not,
)
from aimass_compiler.expression.formula import Formula
from aimass_compiler.pipeline.columns import CategoryColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.expression.types import ColumnType
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.values import Frozen

EXPLANATIONS = (
    Explanation(
        "AM238",
        "a formula calculates with what is no number, or compares what is not alike",
        "Numbers are calculated with and compared with numbers, names and texts only with names and texts, "
        "by `==` and `!=`. Times are compared with times as ISO 8601 writes them.",
    ),
    Explanation(
        "AM239",
        "a number or a name stands where a claim is wanted",
        "`keep: {where: …}` and the sides of `and`, `or` and `not` are claims, which are true or false: "
        "`tenure > 0`, `not missing(plan)`.",
    ),
    Explanation(
        "AM240",
        "a formula compares a category with a value that it never has",
        "The column declares its values, and this is none of them, so the comparison is the same in every "
        "row.",
    ),
)
EXAMPLES = (
    Example(
        "AM238",
        fails="data: {clean: [keep: 'plan > 3']}",
        passes="data: {clean: [keep: 'plan != \"basic\"']}",
    ),
    Example("AM239", fails="data: {clean: [keep: tenure]}", passes="data: {clean: [keep: tenure > 0]}"),
    Example(
        "AM240",
        fails="data: {clean: [keep: 'plan == \"prro\"']}",
        passes="data: {clean: [keep: 'plan == \"pro\"']}",
    ),
)
_ORDERS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Written:
    """A formula, where it stands, and the types of the columns there."""

    formula: Formula
    path: Path
    types: Mapping[str, ColumnType]
    is_claim: bool


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Formulas that cannot be computed, or cannot be meant."""
    for written in _formulas(pipeline):
        table = {name: Column(name, written.types.get(name, UNKNOWN)) for name in written.formula.columns}
        meaning = written.formula.over(table)
        if written.is_claim:
            yield from _claim(written, meaning)
        for node in _nodes(meaning):
            yield from _told(pipeline, written, node)


def _formulas(pipeline: Pipeline) -> Iterator[Written]:
    declared_types = {name: column.column_type for name, column in pipeline.data.columns.items()}
    for place, step in enumerate(pipeline.data.clean):
        for key, formula in _in(step):
            yield Written(formula, ("data", "clean", place, step.kind, key), declared_types, is_claim=True)
    for found in steps(pipeline):
        for key, formula in _in(found.transform):
            yield Written(formula, (*found.path, key), found.types, is_claim=False)


def _in(record: Frozen) -> Iterator[tuple[str, Formula]]:
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if isinstance(value, Formula):
            yield field.alias or name, value


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    for operand in expression.operands:
        yield from _nodes(operand)


def _told(pipeline: Pipeline, written: Written, node: Expression) -> Iterator[Finding]:
    if isinstance(node, (Arithmetic, Function)):
        for operand in node.operands:
            if operand.type.name not in ("number", "unknown"):
                message = f"{_shown(operand)} is {operand.type}, so it cannot be calculated with"
                yield _finding(pipeline, "AM238", written, operand, message)
    elif isinstance(node, (Logical, Not)):
        for operand in node.operands:
            yield from _claim(written, operand)
    elif isinstance(node, Comparison):
        yield from _comparison(pipeline, written, node)


def _comparison(pipeline: Pipeline, written: Written, node: Comparison) -> Iterator[Finding]:
    left, right = node.left, node.right
    if UNKNOWN in (left.type, right.type):
        return
    if left.type.is_string != right.type.is_string:
        message = (
            f"{_shown(left)} is {left.type}, so it cannot be compared with {_shown(right)}, {right.type}"
        )
        yield _finding(pipeline, "AM238", written, left, message)
    elif left.type.is_string and node.operator in _ORDERS and "time" not in (left.type.name, right.type.name):
        message = f"{_shown(left)} is {left.type}, which is not ordered: `{node.operator}` compares numbers"
        yield _finding(pipeline, "AM238", written, left, message)
    else:
        yield from _never(pipeline, written, left, right)
        yield from _never(pipeline, written, right, left)


def _never(pipeline: Pipeline, written: Written, side: Expression, other: Expression) -> Iterator[Finding]:
    if not isinstance(side, Column) or not isinstance(other, Constant):
        return
    column = pipeline.data.columns.get(side.name)
    if isinstance(column, CategoryColumn) and column.values is not None and other.value not in column.values:
        message = f"`{side.name}` is never `{other.value}`"
        hint = did_you_mean(str(other.value), column.values)
        note = (declared(side.name),)
        yield Finding("AM240", written.path, message, help=hint, severity=Severity.WARNING, related=note)


def _claim(written: Written, expression: Expression) -> Iterator[Finding]:
    if expression.type.name not in ("boolean", "unknown"):
        message = f"{_shown(expression)} is {expression.type}, but a claim is wanted here"
        hint = 'compare it, such as `tenure > 0` or `plan == "pro"`'
        yield Finding("AM239", written.path, message, help=hint)


def _finding(pipeline: Pipeline, code: str, written: Written, of: Expression, message: str) -> Finding:
    is_declared = isinstance(of, Column) and of.name in pipeline.data.columns
    return Finding(code, written.path, message, related=(declared(of.name),) if is_declared else ())  # type: ignore[attr-defined]  # a column


def _shown(expression: Expression) -> str:
    if isinstance(expression, Column):
        return f"`{expression.name}`"
    if isinstance(expression, Constant):
        value = expression.value
        return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"
    return "the claim" if expression.type.name == "boolean" else "the result"
