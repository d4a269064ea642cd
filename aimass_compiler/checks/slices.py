"""Slices are category columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Path, did_you_mean, respelt
from aimass_compiler.pipeline.columns import CategoryColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "evaluation.slices", "evaluation.gates")
EXPLANATIONS = (
    Explanation(
        "AM228",
        "a slice is not a category column",
        "A slice judges the rows of each of a column's values by themselves. That needs few values with "
        "many rows each: a category. Add a category of ranges to the data to judge by a number.",
    ),
    Explanation(
        "AM345",
        "a gate is on a slice that no row is in",
        "`slice: {plan: pro}` holds the gate on the rows whose `plan` is `pro`. The value is one of those "
        "that the column declares; `slice: plan` holds it on the rows of each value in turn.",
    ),
)
EXAMPLES = (
    Example("AM228", fails="evaluation: {slices: [tenure]}", passes="evaluation: {slices: [plan]}"),
    Example(
        "AM345",
        fails="evaluation: {gates: [{metric: accuracy, min: 0.7, slice: {plan: por}}]}",
        passes="evaluation: {gates: [{metric: accuracy, min: 0.7, slice: {plan: pro}}]}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Slices by columns that do not exist, or have too many values."""
    columns = pipeline.data.columns
    for path, name in _named(pipeline):
        if name not in columns:
            categories = [known for known, column in columns.items() if isinstance(column, CategoryColumn)]
            is_key = path[1] == "gates"  # of `{plan: pro}`, or the name alone
            hint = did_you_mean(name, categories)
            fix = None if is_key else respelt(path, name, categories)
            yield Finding("AM228", path, f"there is no column `{name}`", help=hint, fix=fix)
        elif not isinstance(columns[name], CategoryColumn):
            message = f"`{name}` is {columns[name].column_type}, but slices are made by a category"
            yield Finding("AM228", path, message, related=(declared(name),))
        else:
            yield from _value(pipeline, path, name)


def _named(pipeline: Pipeline) -> Iterator[tuple[Path, str]]:
    """Every column whose values part the rows, with its place."""
    for place, name in enumerate(pipeline.evaluation.slices):
        yield ("evaluation", "slices", place), name
    for place, gate in enumerate(pipeline.evaluation.gates):
        for name in gate.slice or ():
            yield ("evaluation", "gates", place, "slice"), name


def _value(pipeline: Pipeline, path: Path, name: str) -> Iterator[Finding]:
    """A value that a gate asks for, and that the column does not have."""
    column = pipeline.data.columns[name]
    if path[1] != "gates" or not isinstance(column, CategoryColumn) or column.values is None:
        return
    value = (pipeline.evaluation.gates[int(path[2])].slice or {})[name]
    if value is not None and value not in column.values:
        hint = did_you_mean(value, column.values)
        message = f"`{name}` has no value `{value}`"
        yield Finding("AM345", (*path, name), message, help=hint, related=(declared(name),))
