"""Rows can be held out in turn only where nothing says of each row which split it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data.split", "target", "evaluation.cross_validation")
EXPLANATIONS = (
    Explanation(
        "AM397",
        "a split that has no folds",
        "Cross-validation holds rows out in turn as the split says: rows of a group together, classes in "
        "equal shares, or the future of what is learned from. A split by a column names one split for each "
        "row, and says nothing of which other rows could be held out; the windows of a forecast overlap.",
    ),
)
_COLUMN = (
    "data: {columns: {part: {type: category, values: [train, validation, test]}}, "
    "split: {by: column, column: part}}\n"
)
EXAMPLES = (
    Example(
        "AM397",
        fails=_COLUMN + "evaluation: {cross_validation: {folds: 5}}",
        passes="data: {split: {by: random}}\nevaluation: {cross_validation: {folds: 5}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Folds of rows that are split by a column."""
    split = pipeline.data.split
    if pipeline.evaluation.cross_validation is not None and pipeline.task.forecast is not None:
        message = "the rows of a forecast cannot be held out in turn: they are windows that overlap"
        hint = "leave `cross_validation` out; `seeds` shows what chance does"
        yield Finding("AM397", ("evaluation", "cross_validation"), message, help=hint, at_key=True)
    elif pipeline.evaluation.cross_validation is not None and not split.has_folds:
        note = Related(("data", "split"), "it names one split for each row")
        message = f"rows that are split by `{split.kind}` cannot be held out in turn"
        hint = "split by `random`, `hash`, `group` or `time`, or leave `cross_validation` out"
        yield Finding(
            "AM397", ("evaluation", "cross_validation"), message, help=hint, related=(note,), at_key=True
        )
