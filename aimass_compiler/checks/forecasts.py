"""A forecast can be made from what is declared: its series, its order in time, and what is known ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.forecast import OWN, STEP
from aimass_compiler.catalog.splits.time import Time as TimeSplit
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, path_of
from aimass_compiler.diagnostics import Explanation, Finding, did_you_mean
from aimass_compiler.expression.column_types import Category, Id, Number, Text
from aimass_compiler.expression.column_types import Time as TimeType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.forecast import Forecast
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "task", "features", "evaluation.gates", "serving.explanations")
EXPLANATIONS = (
    Explanation(
        "AM381",
        "a forecast is not split by its time",
        "A forecast is judged on what came after all that it was trained on. `split: {by: time, column: "
        "day}` does that, and is the default where no split is written.",
    ),
    Explanation(
        "AM382",
        "a column has a name that forecasts use themselves",
        "Rows of a forecast have a column `step`, which says how far ahead they are, and columns that begin "
        "with `forecast.`. Rename the column in the data.",
    ),
    Explanation(
        "AM383",
        "the key of a forecast is no key",
        "Rows belong to a series by columns of names: a category, an id or a text, none of which is missing.",
    ),
    Explanation(
        "AM384",
        "a forecast cannot know this ahead",
        "A request gives a number for each step ahead, and one name for all of them, so that neither may be "
        "missing, and images and other times have no place. What is only known afterwards is `known: after`.",
    ),
    Explanation(
        "AM385",
        "there is no seasonal naive forecast to beat",
        "The baseline repeats the last season of a series. Only a forecast has one: `task: {forecast: …}`.",
    ),
    Explanation(
        "AM386",
        "answers of a forecast cannot be explained",
        "Explanations share out one number among the columns of a row. A forecast answers several; which "
        "columns it rests on is said by the permutation importance of `evaluation.importance`.",
    ),
)
_FEATURES = "features: [lags: {column: tenure, lags: [1]}, one_hot: [plan, churned]]"
_BASE = f"target: tenure\nmodel: lightgbm\n{_FEATURES}\n"
_FORECAST = f"{_BASE}task: {{forecast: 3}}\n"
_PASSES = f"{_FORECAST}data: {{columns: {{day: time}}}}"
EXAMPLES = (
    Example(
        "AM381",
        fails=f"{_FORECAST}data: {{columns: {{day: time}}, split: {{by: group, column: customer_id}}}}",
        passes=_PASSES,
    ),
    Example(
        "AM382",
        fails=f"{_FORECAST}data: {{columns: {{day: time, step: id}}}}",
        passes=_PASSES,
    ),
    Example(
        "AM383",
        fails=f"{_BASE}task: {{forecast: {{horizon: 3, key: shop}}}}\ndata: {{columns: {{day: time}}}}",
        passes=f"{_BASE}task: {{forecast: {{horizon: 3, key: plan}}}}\ndata: {{columns: {{day: time}}}}",
    ),
    Example(
        "AM384",
        fails="target: tenure\nmodel: lightgbm\ntask: {forecast: 3}\n"
        "data: {columns: {day: time, price: {type: number, missing: 0.1}}}\n"
        "features: [impute: price, lags: {column: tenure, lags: [1]}, one_hot: [plan, churned]]",
        passes=_PASSES,
    ),
    Example(
        "AM385",
        fails="evaluation: {gates: [{metric: log_loss, beats: seasonal_naive}]}",
        passes=f"{_PASSES}\nevaluation: {{gates: [{{metric: mase, beats: seasonal_naive}}]}}",
    ),
    Example("AM386", fails=f"{_PASSES}\nserving: {{explanations: {{}}}}", passes=_PASSES),
)
_KEYS = (Category, Id, Text)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a forecast lacks, and what only a forecast has."""
    forecast = pipeline.task.forecast
    if forecast is None:
        yield from _without_baseline(pipeline)
        return
    if not isinstance(pipeline.data.split, TimeSplit) or pipeline.data.split.column != forecast.ordered_by:
        message = (
            f"the rows are split by {pipeline.data.split.kind}, and a forecast by `{forecast.ordered_by}`"
        )
        hint = f"write `split: {{by: time, column: {forecast.ordered_by}}}`, or leave `split` out"
        yield Finding("AM381", ("data", "split"), message, help=hint)
    for name in pipeline.data.columns:
        if name == STEP or name.startswith(OWN):
            message = f"rows of a forecast have another column `{name}`"
            path = ("data", "columns", name)
            yield Finding("AM382", path, message, help="rename the column in the data", at_key=True)
    yield from _keys(pipeline, forecast)
    yield from _not_known_ahead(pipeline, forecast)
    if pipeline.serving.explanations is not None:
        message = "a forecast answers several numbers, not one to explain"
        hint = "leave `explanations` out"
        yield Finding("AM386", ("serving", "explanations"), message, help=hint, at_key=True)


def _keys(pipeline: Pipeline, forecast: Forecast) -> Iterator[Finding]:
    columns = pipeline.data.columns
    for name in forecast.keys:
        path = ("task", "forecast", "key")
        if name not in columns:
            hint = did_you_mean(name, columns) or f"declare it: `{name}: category`"
            yield Finding("AM383", path, f"there is no column `{name}`", help=hint)
        elif not isinstance(columns[name].column_type, _KEYS) or columns[name].is_nullable:
            what = "may be missing" if columns[name].is_nullable else f"is {columns[name].column_type}"
            message, note = f"`{name}` {what}, and a key names a series", (declared(name),)
            yield Finding("AM383", path, message, help="choose a category, an id or a text", related=note)


def _not_known_ahead(pipeline: Pipeline, forecast: Forecast) -> Iterator[Finding]:
    """Columns that a feature reads and a request cannot hold."""
    columns, seen = pipeline.data.columns, {pipeline.task.target}
    read = [(step, name) for step in pipeline.flow.steps for name in step.reads if name in columns]
    for step, name in read:
        column = columns[name]
        kind = column.column_type
        fits = isinstance(kind, Number | Category | Text) or (
            isinstance(kind, TimeType) and name == forecast.ordered_by
        )
        if name in seen or (fits and not column.is_nullable):
            continue
        seen.add(name)
        what = f"is {kind}" if not fits else "may be missing"
        message = f"`{name}` {what}, which a request for a forecast cannot say of the steps ahead"
        hint = "leave it out of `features`, fill it in the data, or say `known: after`"
        yield Finding("AM384", path_of(step, name), message, help=hint, related=(declared(name),))


def _without_baseline(pipeline: Pipeline) -> Iterator[Finding]:
    for place, gate in enumerate(pipeline.evaluation.gates):
        if gate.beats == "seasonal_naive":
            path = ("evaluation", "gates", place, "beats")
            message = f"`{pipeline.task.target}` is not forecast, so there is no last season to repeat"
            yield Finding("AM385", path, message, help="hold it against a number: `min` or `max`")
