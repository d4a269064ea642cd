"""Cleaning and splitting read declared columns, of types that can decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, either, formulas_in, place_of_column
from aimass_compiler.conventions import SPLITS
from aimass_compiler.diagnostics import Explanation, Finding, Path, Severity, did_you_mean, nearest, respelt
from aimass_compiler.expression.column_types import nouns
from aimass_compiler.pipeline.columns import CategoryColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM234",
        "cleaning or splitting reads a column that is not declared",
        "Only the columns of `data.columns` are kept of the sources. Declare a key as `id`: it is then no "
        "feature.",
    ),
    Explanation(
        "AM235",
        "rows cannot be split by a column of this type",
        "A time or a number orders rows, a category gets the same shares in every split, and a category or "
        "an id can name each row's split.",
    ),
    Explanation(
        "AM236",
        "the column that names the splits has other values",
        "Its values are `train`, `validation` and `test`. Rows with another value are in no split, and each"
        " split needs rows.",
    ),
    Explanation(
        "AM237",
        "the column that names the splits is also a feature",
        "It is the same in all rows of a split, so nothing can be learned from it, yet serving would ask for"
        " it. Declare it as `id`, or leave it out with `drop`.",
    ),
)


def _split(values: str) -> str:
    columns = f"columns: {{part: {{type: category, values: [{values}]}}}}"
    return f"data: {{{columns}, split: {{by: column, column: part}}}}"


EXAMPLES = (
    Example(
        "AM234",
        fails="data: {clean: [drop_duplicates: custmer_id]}",
        passes="data: {clean: [drop_duplicates: customer_id]}",
    ),
    Example(
        "AM235",
        fails="data: {split: {by: time, column: plan}}",
        passes="data: {columns: {since: time}, split: {by: time, column: since}}",
    ),
    Example("AM236", fails=_split("train, test"), passes=_split("train, validation, test")),
    Example(
        "AM237",
        fails=_split("train, validation, test") + "\nfeatures: [one_hot: [part, plan]]",
        passes=_split("train, validation, test") + "\nfeatures: [drop: part, one_hot: plan]",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns that cleaning or splitting cannot read."""
    for place, step in enumerate(pipeline.data.clean):
        for name in step.columns_read():
            path = ("data", "clean", place, step.kind, *place_of_column(step, name))
            yield from _undeclared(pipeline, name, path, is_part=any(formulas_in(step)))
    split = pipeline.data.split
    for name in split.columns_read():
        path = ("data", "split", *place_of_column(split, name))
        yield from _undeclared(pipeline, name, path)
        if name in pipeline.data.columns:
            yield from _split_by(pipeline, name, path)


def _undeclared(pipeline: Pipeline, name: str, path: Path, *, is_part: bool = False) -> Iterator[Finding]:
    """A column that nobody declared; `is_part` of a formula, it cannot be replaced alone."""
    if name not in pipeline.data.columns:
        hint = did_you_mean(name, pipeline.data.columns) or f"declare it: `{name}: id`"
        message = f"there is no column `{name}` in `data.columns`"
        fix = None if is_part else respelt(path, name, pipeline.data.columns)
        yield Finding("AM234", path, message, help=hint, fix=fix, part=name if is_part else "")


def _split_by(pipeline: Pipeline, name: str, path: Path) -> Iterator[Finding]:
    split, column = pipeline.data.split, pipeline.data.columns[name]
    if not split.takes(column.column_type):
        accepted = either(nouns(split.accepts))
        message = f"`{name}` is {column.column_type}, but `by: {split.kind}` wants {accepted}"
        yield Finding("AM235", path, message, related=(declared(name),))
    elif not isinstance(split, SharedSplit):
        yield from _names_of_splits(name, column)
        if name in pipeline.flow.outcome and pipeline.flow.outcome[name].is_feature:
            message = f"`{name}` names the splits, but it is also a feature"
            hint = f"declare it as `id`, or leave it out: `drop: {name}`"
            yield Finding(
                "AM237", path, message, help=hint, severity=Severity.WARNING, related=(declared(name),)
            )


def _names_of_splits(name: str, column: object) -> Iterator[Finding]:
    if not isinstance(column, CategoryColumn) or column.values is None:
        return
    path: Path = ("data", "columns", name, "values")
    lacking = [split for split in SPLITS if split not in column.values]
    if lacking:
        message = f"`{name}` names the splits, but has no value `{lacking[0]}`"
        slips = [value for value in column.values if value not in SPLITS and nearest(value, lacking)]
        hint = f"it needs {', '.join(f'`{split}`' for split in SPLITS)}"
        if slips:
            path, hint = (*path, column.values.index(slips[0])), did_you_mean(slips[0], lacking)
        yield Finding("AM236", path, message, help=hint)
        return
    for place, value in enumerate(column.values):
        if value not in SPLITS:
            message = f"rows whose `{name}` is `{value}` are in no split"
            hint = did_you_mean(value, SPLITS)
            yield Finding("AM236", (*path, place), message, help=hint, severity=Severity.WARNING)
