"""Slices are category columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Finding, did_you_mean, respelt
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM228",
        "a slice is not a category column",
        "A slice judges the rows of each of a column's values by themselves. That needs few values with "
        "many rows each: a category. Add a category of ranges to the data to judge by a number.",
    ),
)
EXAMPLES = (Example("AM228", fails="evaluation: {slices: [tenure]}", passes="evaluation: {slices: [plan]}"),)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Slices by columns that do not exist, or have too many values."""
    columns = pipeline.data.columns
    for place, name in enumerate(pipeline.evaluation.slices):
        path = ("evaluation", "slices", place)
        if name not in columns:
            categories = [known for known, column in columns.items() if column.type == "category"]
            hint, fix = did_you_mean(name, categories), respelt(path, name, categories)
            yield Finding("AM228", path, f"there is no column `{name}`", help=hint, fix=fix)
        elif columns[name].type != "category":
            message = f"`{name}` is {columns[name].column_type}, but slices are made by a category"
            yield Finding("AM228", path, message, related=(declared(name),))
