"""What joins in time and aggregations read and write is declared, of the right type, and known in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import (
    Explanation,
    Finding,
    Fix,
    Related,
    Rename,
    Severity,
    certainly_meant,
    did_you_mean,
)
from aimass_compiler.pipeline.columns import NumberColumn, SeriesColumn, TimeColumn
from aimass_compiler.pipeline.joins import COUNTS, OF_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.data import Data
    from aimass_compiler.pipeline.joins import Aggregation, Join

NEEDS = ("data", "target")
EXPLANATIONS = (
    Explanation(
        "AM360",
        "an aggregation makes a column that is not declared",
        "Only columns in `data.columns` are kept, so what is computed would be dropped. Mostly the name is "
        "misspelt there or here. Serving asks for the column under this name, too.",
    ),
    Explanation(
        "AM361",
        "a join reads or makes a column of another type",
        "`time` of a join names columns of type `time`. Sums, means, bounds and counts are numbers; `last` "
        "and `last_known` may be of any type. `series` makes a column of type `series`, whose `length` says "
        "how many of the last rows it has, and `channels` how many columns.",
    ),
    Explanation(
        "AM362",
        "two aggregations make the same column",
        "Each aggregation adds a column under its own name.",
    ),
    Explanation(
        "AM363",
        "an aggregation reads rows from after the fact",
        "The rows have a time, and the child table is aggregated whole: what came later is in the sums, and "
        "no request knows it. `time: {left: asked_at, right: paid_at}` reads only what was known at the time "
        "of the row. Where the child table does not grow, accept the warning in `waivers`.",
    ),
    Explanation(
        "AM364",
        "an outcome is aggregated as soon as its row is there",
        "The target, and what is declared `known: after`, is known only some time after the row. An "
        "aggregation of earlier rows would read it before that. `delay: 30d` says how long it takes.",
    ),
)

_SOURCES = "data:\n  sources: {payments: data/payments.csv}\n"
_COLUMNS = "  columns: {since: time, paid: {type: number}, last_channel: {type: category, missing: 1}}\n"
_SPLIT = "  split: {by: time, column: since}\nfeatures: [standardize: paid, one_hot: [plan, last_channel]]\n"
_TIME = "time: {left: since, right: paid_at}"
_PAID = "paid: {function: sum, column: amount, window: 30d}"
_LAST = "last_channel: {function: last, column: channel}"


def _example(*aggregations: str, keys: str = _TIME) -> str:
    join = f"left: customers, right: payments, on: customer_id, {keys}"
    return f"{_SOURCES}  join: [{{{join}, aggregate: {{{', '.join(aggregations)}}}}}]\n{_COLUMNS}{_SPLIT}"


_PASSES = _example(_PAID, _LAST)
_REFUNDS = f"{{left: customers, right: refunds, on: customer_id, {_TIME}, aggregate: {{{_PAID}}}}}"
EXAMPLES = (
    Example("AM360", fails=_example(_PAID.replace("paid:", "piad:"), _LAST), passes=_PASSES),
    Example("AM361", fails=_example(_PAID, _LAST.replace("last,", "mean,")), passes=_PASSES),
    Example(
        "AM361",
        fails=_PASSES.replace("since: time", "since: id").replace("by: time", "by: group"),
        passes=_PASSES,
    ),
    Example(
        "AM361",
        fails=_PASSES.replace(_PAID, "paid: {function: series, columns: amount}"),
        passes=_PASSES,
    ),
    Example(
        "AM362",
        fails=_PASSES.replace("sources: {", "sources: {refunds: data/refunds.csv, ").replace(
            "join: [", f"join: [{_REFUNDS}, "
        ),
        passes=_PASSES,
    ),
    Example("AM363", fails=_example("paid: count", _LAST, keys="how: left"), passes=_PASSES),
    Example(
        "AM364",
        fails=_example(_PAID, _LAST.replace("channel}", "churned}")),
        passes=_example(_PAID, _LAST.replace("channel}", "churned}"), keys=f"{_TIME}, delay: 30d"),
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns of joins in time and of aggregations that cannot be, or that are known too late."""
    data, made = pipeline.data, dict[str, int]()
    for place, join in enumerate(data.join):
        yield from _times(data, join, place)
        yield from _aggregations(data, join, place)
        yield from _late(pipeline, join, place)
        for name in join.aggregate or ():
            if name in made:
                note = Related(("data", "join", made[name], "aggregate", name), "the first one")
                message = f"`{name}` is made by two aggregations"
                yield Finding("AM362", ("data", "join", place, "aggregate", name), message, at_key=True,
                              help="give one of them another name", related=(note,))  # fmt: skip
            made.setdefault(name, place)


def _times(data: Data, join: Join, place: int) -> Iterator[Finding]:
    if join.time is None:
        return
    for side in ("left", "right"):
        name = getattr(join.time, side)
        column = data.columns.get(name)
        if column is not None and not isinstance(column, TimeColumn):
            message = f"`{name}` is {column.column_type}, and `time` of a join needs a time"
            hint = f"declare `{name}: time`, or name another column"
            path = ("data", "join", place, "time", side)
            yield Finding("AM361", path, message, help=hint, related=(declared(name),))


def _aggregations(data: Data, join: Join, place: int) -> Iterator[Finding]:
    for name, aggregation in (join.aggregate or {}).items():
        path = ("data", "join", place, "aggregate", name)
        column = data.columns.get(name)
        if column is None:
            hint = did_you_mean(name, data.columns) or f"declare it: `{name}: number`"
            meant = certainly_meant(name, data.columns)
            fix = Fix(f"write `{meant}`", (Rename(path, meant),)) if meant else None
            message = f"there is no column `{name}` in `data.columns`"
            yield Finding("AM360", path, message, help=hint, fix=fix, at_key=True)
            continue
        wrong = _of_another_type(name, aggregation, column)
        if wrong is not None:
            message, hint = wrong
            yield Finding("AM361", path, message, help=hint, at_key=True, related=(declared(name),))


def _of_another_type(name: str, aggregation: Aggregation, column: Column) -> tuple[str, str] | None:
    """What is wrong with the type that is declared for what an aggregation makes, and what to write."""
    function, channels = aggregation.function, len(aggregation.read)
    is_number = function in (*OF_NUMBERS, *COUNTS)
    if is_number and not isinstance(column, NumberColumn):
        return f"`{name}` is {column.column_type}, and a {function} is a number", f"declare `{name}: number`"
    if function != "series":
        return None
    several = f", channels: {channels}" if channels > 1 else ""
    if not isinstance(column, SeriesColumn):
        hint = f"declare `{name}: {{type: series, length: 24{several}}}`, with the steps that it may have"
        return f"`{name}` is {column.column_type}, and it is made as a series", hint
    if column.channels == channels:
        return None
    message = f"`{name}` has {column.channels} channels, and is made of {channels} columns"
    return message, f"declare `channels: {channels}`, or name {column.channels} in `columns`"


def _late(pipeline: Pipeline, join: Join, place: int) -> Iterator[Finding]:
    """What is read of the child table before it could be known."""
    columns = pipeline.data.columns
    if join.aggregate is None or join.delay is not None:
        return
    times = [name for name, column in columns.items() if isinstance(column, TimeColumn)]
    if times and join.time is None:
        message = f"`{join.right}` is aggregated with its rows from after the time of a row, too"
        hint = f"say when its rows were: `time: {{left: {times[0]}, right: …}}`"
        yield Finding("AM363", ("data", "join", place), message, help=hint, severity=Severity.WARNING,
                      related=(declared(times[0]),))  # fmt: skip
    for name, aggregation in join.aggregate.items():
        after = [
            read
            for read in aggregation.read
            if read in pipeline.task.targets or (read in columns and columns[read].known == "after")
        ]
        for read in after:
            path = ("data", "join", place, "aggregate", name)
            message = f"`{read}` of a row is known only after it, and `{name}` reads it at once"
            yield Finding("AM364", path, message, help="say how long it takes: `delay: 30d`",
                          severity=Severity.WARNING, at_key=True, related=(declared(read),))  # fmt: skip
