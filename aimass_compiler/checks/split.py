"""The split keeps apart what must be apart: the same key, the future, and never the target's values."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, place_of_column
from aimass_compiler.diagnostics import Explanation, Finding, Related, Severity
from aimass_compiler.pipeline.columns import CategoryColumn, IdColumn, TimeColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.data import Data

NEEDS = ("data", "target")
EXPLANATIONS = (
    Explanation(
        "AM262",
        "the target decides which split a row is in",
        "All rows of one class, or the lowest and the highest numbers, would each be alone in a split, so "
        "the model is judged on answers that it never saw. Split by a key, by time or at random; `by: "
        "random` with `stratify` gives the target the same shares in every split.",
    ),
    Explanation(
        "AM263",
        "there are hardly more groups than splits",
        "All rows of a group stay together, so with a handful of groups the shares come out by chance, and "
        "one split may be empty. Split by a key with many values.",
    ),
    Explanation(
        "AM264",
        "rows of one key may be in several splits",
        "A join repeats a row for each of its partners. Where the repeated rows are shared out by chance, "
        "the model is judged on customers (or patients, or devices) that it was trained on, and looks better "
        "than it is. Keep them together: `split: {by: group, column: customer_id}`, or keep one of them: "
        "`clean: [drop_duplicates: customer_id]`.",
    ),
    Explanation(
        "AM265",
        "the order in time is ignored by the split",
        "The columns say when each row was, and the rows are split at random: the model is judged on days "
        "between those that it was trained on, which is easier than the days to come. `split: {by: time, "
        "column: since}` learns from the past. Where the rows do not depend on time, accept the warning in "
        "`waivers`.",
    ),
)
_USAGE = "sources: {usage: data/usage.csv}, join: [{left: customers, right: usage, on: customer_id}]"
EXAMPLES = (
    Example(
        "AM262",
        fails="data: {split: {by: group, column: churned}}",
        passes="data: {split: {by: random, stratify: churned}}",
    ),
    Example(
        "AM263",
        fails="data: {split: {by: group, column: plan}}",
        passes="data: {split: {by: group, column: customer_id}}",
    ),
    Example(
        "AM264",
        fails=f"data: {{{_USAGE}, split: {{by: random}}}}",
        passes=f"data: {{{_USAGE}, split: {{by: group, column: customer_id}}}}",
    ),
    Example(
        "AM265",
        fails="data: {columns: {since: time}, split: {by: random}}",
        passes="data: {columns: {since: time}, split: {by: time, column: since}}",
    ),
)
#: With fewer groups it is likelier than not that a split of a tenth misses its share by half.
_FEW_GROUPS = 10


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Splits that let the answer, the same key or the future into training."""
    split, columns = pipeline.data.split, pipeline.data.columns
    known = [
        name for name in split.columns_read() if name in columns and split.takes(columns[name].column_type)
    ]
    if split.keeps_together and len(known) == 1 and known[0] in pipeline.task.targets:
        yield _by_target(pipeline, known[0])
    elif split.keeps_together and known:
        yield from _few_groups(pipeline, known)
    yield from _repeated_keys(pipeline.data)
    if split.is_by_chance and not split.keeps_together:
        yield from _out_of_time(pipeline)


def _by_target(pipeline: Pipeline, target: str) -> Finding:
    split = pipeline.data.split
    path = ("data", "split", *place_of_column(split, target))
    message = f"`{target}` is the target, so each of its values would be in one split only"
    return Finding(
        "AM262", path, message, help="split by a key, by time or at random", related=(declared(target),)
    )


def _few_groups(pipeline: Pipeline, known: Sequence[str]) -> Iterator[Finding]:
    split, columns = pipeline.data.split, [pipeline.data.columns[name] for name in known]
    values = [column.values for column in columns if isinstance(column, CategoryColumn) and column.values]
    groups = prod(len(names) for names in values)
    if isinstance(split, SharedSplit) and len(values) == len(columns) and groups < _FEW_GROUPS:
        path = ("data", "split", *place_of_column(split, known[0]))
        message = f"there are only {groups} groups to share out among train, validation and test"
        yield Finding(
            "AM263", path, message, help="split by a key with many values", severity=Severity.WARNING,
            related=(declared(known[0]),),
        )  # fmt: skip


def _repeated_keys(data: Data) -> Iterator[Finding]:
    """Keys whose rows a join repeats and the split takes apart; one is enough to tell."""
    unique = [step.unique_by() for step in data.clean]
    for place, join in enumerate(data.join):
        keys = [key for key in join.on if key in data.columns and isinstance(data.columns[key], IdColumn)]
        right = data.sources.get(join.right)
        has_one_partner = right is not None and set(right.unique_columns()) & set(join.on)
        if (
            join.is_by_row
            or has_one_partner
            or not keys
            or not data.split.is_by_chance
            or any(by and set(by) <= set(join.on) for by in unique)
        ):
            continue
        together = data.split.columns_read() if data.split.keeps_together else ()
        if together and set(together) <= set(join.on):
            continue
        message = f"rows that share a `{keys[0]}` may be in several splits"
        hint = f"keep them together: `split: {{by: group, column: {keys[0]}}}`"
        note = Related(("data", "join", place), "this join repeats a row for each of its partners")
        path = ("data", "split")
        yield Finding("AM264", path, message, help=hint, severity=Severity.WARNING, related=(note,))
        return


def _out_of_time(pipeline: Pipeline) -> Iterator[Finding]:
    times = [name for name, column in pipeline.data.columns.items() if isinstance(column, TimeColumn)]
    if times:
        message = f"the split takes rows at random, though `{times[0]}` gives their order"
        hint = f"learn from the past: `split: {{by: time, column: {times[0]}}}`"
        path, note = ("data", "split"), (declared(times[0]),)
        yield Finding("AM265", path, message, help=hint, severity=Severity.WARNING, related=note)
