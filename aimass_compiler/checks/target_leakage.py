"""Rows are chosen by what is known when a prediction is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, formulas_in, place_of_column
from aimass_compiler.diagnostics import Explanation, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target")
EXPLANATIONS = (
    Explanation(
        "AM261",
        "rows are chosen by what is known only after the fact",
        "Cleaning drops rows in training, and nothing drops requests in serving. Where the target decides "
        "which rows stay, or a column that says `known: after`, the model is trained and judged on easier "
        "rows than those that it will be asked about. Choose rows by what is known before; to drop those "
        "without a target, use `drop_missing`.",
    ),
)
EXAMPLES = (
    Example(
        "AM261",
        fails="data: {columns: {refund: {type: number, known: after}}, clean: [keep: 'refund == 0']}",
        passes="data: {columns: {refund: {type: number, known: after}}, clean: [keep: 'charges > 0']}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Claims of `clean` about the target or about what is known only after the fact."""
    columns = pipeline.row_columns
    for place, step in enumerate(pipeline.data.clean):
        read = [name for _, formula in formulas_in(step) for name in formula.columns]
        for name in dict.fromkeys(read):
            is_late = name in pipeline.task.targets or (name in columns and columns[name].known == "after")
            if is_late:
                reason = "is the target" if name in pipeline.task.targets else "is known only after the fact"
                message = f"`{name}` {reason}, yet it decides which rows the model is trained and judged on"
                path = ("data", "clean", place, step.kind, *place_of_column(step, name))
                hint = "choose rows by what is known before"
                note = (declared(name),)
                yield Finding("AM261", path, message, help=hint, severity=Severity.WARNING, related=note)
