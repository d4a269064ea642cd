"""Formulas suit the columns that they read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, formulas_in
from aimass_compiler.diagnostics import Explanation, Finding, Severity, did_you_mean
from aimass_compiler.expression.algebra import Column, Comparison, Constant, Expression
from aimass_compiler.expression.column_types import UNKNOWN, ColumnType
from aimass_compiler.expression.formula import Formula
from aimass_compiler.pipeline.columns import CategoryColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM238",
        "a formula cannot be computed over these columns",
        "Numbers are calculated with and compared with numbers, names only with names, by `==` and `!=`. "
        "What `keep` and the sides of `and`, `or` and `not` want is true or false: `tenure > 0`.",
    ),
    Explanation(
        "AM239",
        "a formula compares a category with a value that it never has",
        "The column declares its values, and this is none of them, so no row differs.",
    ),
)
EXAMPLES = (
    Example(
        "AM238",
        fails="data: {clean: [keep: 'plan > 3']}",
        passes="data: {clean: [keep: 'plan != \"basic\"']}",
    ),
    Example(
        "AM239",
        fails="data: {clean: [keep: 'plan == \"prro\"']}",
        passes="data: {clean: [keep: 'plan == \"pro\"']}",
    ),
)


class WrittenFormula(Struct, frozen=True):
    """A formula, where it stands, the types of the columns there, and what it must give."""

    formula: Formula
    path: Path
    types: Mapping[str, ColumnType]
    result: str


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Formulas that cannot be computed, or cannot be meant."""
    for written in _formulas(pipeline):
        types = defaultdict(lambda: UNKNOWN, written.types)
        meaning = written.formula.meaning(types, written.result)
        if isinstance(meaning, str):
            notes = tuple(
                declared(name)
                for name in written.formula.columns
                if name in pipeline.data.columns and f"`{name}`" in meaning
            )
            yield Finding("AM238", written.path, f"this formula cannot be computed: {meaning}", related=notes)
            continue
        for node in _nodes(meaning):
            if isinstance(node, Comparison):
                yield from _never(pipeline, written.path, node.left, node.right)
                yield from _never(pipeline, written.path, node.right, node.left)


def _formulas(pipeline: Pipeline) -> Iterator[WrittenFormula]:
    types = {name: column.column_type for name, column in pipeline.data.columns.items()}
    for place, step in enumerate(pipeline.data.clean):
        for key, formula in formulas_in(step):
            yield WrittenFormula(formula, ("data", "clean", place, step.kind, key), types, "claim")
    for found in pipeline.flow.steps:
        # What a transform does not take is told by the flow of the columns.
        taken = {name: kind for name, kind in found.types.items() if found.transform.takes(kind)}
        for key, formula in formulas_in(found.transform):
            yield WrittenFormula(formula, (*found.path, key), taken, "number")


def _nodes(expression: Expression) -> Iterator[Expression]:
    yield expression
    for operand in expression.operands:
        yield from _nodes(operand)


def _never(pipeline: Pipeline, path: Path, side: Expression, other: Expression) -> Iterator[Finding]:
    if not isinstance(side, Column) or not isinstance(other, Constant):
        return
    column = pipeline.data.columns.get(side.name)
    if isinstance(column, CategoryColumn) and column.values is not None and other.value not in column.values:
        message = f"`{side.name}` is never `{other.value}`"
        hint = did_you_mean(str(other.value), column.values)
        note = (declared(side.name),)
        yield Finding("AM239", path, message, help=hint, severity=Severity.WARNING, related=note)
