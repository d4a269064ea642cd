"""A forecast in a spec: the time that orders its rows, how they are split, and its usual features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog import load
from aimass_compiler.catalog.forecast import Forecast
from aimass_compiler.catalog.splits.time import Time as TimeSplit
from aimass_compiler.diagnostics import Example, Explanation, Finding, did_you_mean
from aimass_compiler.expression.column_types import Category
from aimass_compiler.expression.column_types import Time as TimeType
from aimass_compiler.pipeline.columns import TimeColumn

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.catalog.transform import Transform, Types
    from aimass_compiler.spec.decode.model_spec import ModelSpec

EXPLANATIONS = (
    Explanation(
        "AM380",
        "a forecast has no time",
        "The values of a series follow one another, and a column of type time says in which order: "
        "`data: {columns: {day: time}}`. Where there are several, `task: {forecast: {time: day}}` chooses "
        "one.",
    ),
)
_OF_DAYS = (
    "target: tenure\nmodel: lightgbm\ndata: {columns: {day: time}}\n"
    "features: [lags: {column: tenure, lags: [1]}, one_hot: [plan, churned]]\n"
)
EXAMPLES = (
    Example(
        "AM380",
        fails=f"{_OF_DAYS}task: {{forecast: {{horizon: 3, time: dy}}}}",
        passes=f"{_OF_DAYS}task: {{forecast: {{horizon: 3, time: day}}}}",
    ),
)
_DAY, _WEEK = 86_400, 7 * 86_400
#: Seasons that the usual features look back.
_SEASONS = 4
_LAGS = (1, 2, 3)


def resolved(spec: ModelSpec, file: str) -> tuple[Forecast | None, list[Finding]]:
    """The forecast with its time and history written out; None where there is none, or no time."""
    if spec.task is None or isinstance(spec.task, str):
        return None, []
    written = spec.task.forecast
    times = [name for name, column in spec.data.columns.items() if isinstance(column, TimeColumn)]
    if written.time is not None and written.time not in times:
        message = f"`{written.time}` is no column of type time"
        hint = did_you_mean(written.time, times) or f"declare it: `{written.time}: time`"
        return None, [Finding("AM380", ("task", "forecast", "time"), message, help=hint, file=file)]
    if written.time is None and len(times) != 1:
        message = "no column is of type time" if not times else f"{len(times)} columns are of type time"
        hint = "declare one: `day: time`" if not times else f"choose one: `time: {times[0]}`"
        return None, [Finding("AM380", ("task", "forecast"), message, help=hint, file=file, at_key=True)]
    backtest = written.backtest
    if backtest is not None and backtest.step_size is None:
        backtest = backtest.filled(step_size=written.horizon)
    return written.filled(time=written.time or times[0], history=written.length, backtest=backtest), []


def with_split(spec: ModelSpec, task: Task) -> ModelSpec:
    """The spec with a split by the forecast's time, where none is written."""
    if task.forecast is None or "split" in spec.data.model_fields_set:
        return spec
    data = spec.data.filled(split=TimeSplit(column=task.forecast.ordered_by))
    return spec.model_copy(update={"data": data})


def default_features(task: Task, types: Types, models: Sequence[Model]) -> Iterator[Transform]:
    """Lags, past seasons and means of the history, the calendar of each step, and what is known ahead."""
    forecast = task.forecast
    if forecast is None:
        return
    is_scaled = not all(model.ignores_scale for model in models)
    target, length, season = task.target, forecast.length, forecast.season_length
    yield _transform("lags", column=target, lags=[lag for lag in _LAGS if lag <= length])
    if season > 1:
        count = min(_SEASONS, length // season)
        yield _transform("seasonal_lags", column=target, season_length=season, count=count)
    windows = sorted({window for window in (season, length) if window > 1})
    yield _transform(
        "rolling_windows", column=target, windows=windows, statistics=["mean", "standard_deviation"]
    )
    parts = _calendar(forecast)
    for name in (name for name, kind in types.items() if isinstance(kind, TimeType)):
        give = "category" if is_scaled else "number"
        yield _transform("date_parts", column=name, parts=parts, give=give)
        if give == "category":
            yield _transform("one_hot", columns=[f"{name}_{part}" for part in parts])
    names = [name for name, kind in types.items() if isinstance(kind, Category)]
    if is_scaled:
        yield _transform("standardize", columns={"type": "number"})
    if names:
        yield _transform("one_hot", columns=names)


def _calendar(forecast: Forecast) -> list[str]:
    """The parts of a time that differ from step to step, and come round again."""
    seconds = forecast.seconds
    if seconds is None or seconds > _WEEK:
        return ["month"]
    if seconds == _WEEK:
        return ["month", "week"]
    return ["month", "weekday"] if seconds >= _DAY else ["month", "weekday", "hour"]


def _transform(name: str, **parameters: Any) -> Transform:
    return load("transforms", name).model_validate(parameters)  # type: ignore[return-value]  # the family's base class
