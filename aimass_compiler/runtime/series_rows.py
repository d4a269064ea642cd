"""Series become rows of supervised learning: a history, a step ahead of it, and the value at that step.

A row is made of an origin, the last value that is known, and a step from 1 to the horizon. Nothing in it but
the truth is later than its origin, except what is known ahead (Hyndman & Athanasopoulos, Forecasting:
Principles and Practice, chapter 5.8: https://otexts.com/fpp3/accuracy.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.catalog.forecast import OWN, STEP, Forecast, SeriesRows
from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression.plain_name import named, values_of
from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column

_MICROSECONDS = 1_000_000
_SHOWN = 3
#: From this day on, months differ in which days they have.
_LAST_DAY = 28


@dataclass(frozen=True)
class _Series:
    """The values of one series in their order, which begins at the row `first` of the sorted table."""

    first: int
    name: str
    values: NDArray[numpy.float64]
    times: NDArray[numpy.int64]
    """In microseconds since 1970."""


def series_rows(
    rows: polars.DataFrame, columns: Mapping[str, Column], task: Task, split: SharedSplit
) -> tuple[polars.DataFrame, polars.Series]:
    """The rows to learn from, by series, origin and step, and the name of each one's split.

    A training row's truth lies before the first time of the validation split, so that nothing of a later
    split reaches it; an origin of the other splits is followed by a whole horizon within its split.

    Raises StageFailure where a series has gaps or is too short, or a split holds no whole horizon.
    """
    forecast = task.forecast
    assert forecast is not None  # noqa: S101  # who calls has one
    rows = _sorted(rows, forecast)
    series = list(_series(rows, task, forecast))
    _require_constant(rows, columns, task, forecast)
    cuts = _cuts(numpy.concatenate([each.times for each in series]), split)
    scales = _scales(series, forecast, cuts[0])
    made_of = (_Part.of(each, scale, forecast, cuts) for each, scale in zip(series, scales, strict=True))
    parts = [part for part in made_of if part is not None]
    made = _assembled(rows, parts, task)
    names = polars.Series(
        numpy.concatenate([part.split for part in parts]) if parts else [], dtype=polars.Int8
    ).replace_strict(range(len(SPLITS)), SPLITS, return_dtype=polars.Enum([*SPLITS, ""]))
    _require_splits(names, forecast)
    return made, names


def read_series_rows(rows: polars.DataFrame) -> SeriesRows:
    """What prepared rows have beside their features."""
    own = (name for name in SeriesRows.__struct_fields__ if name != STEP)
    found = {name: values_of(rows, f"{OWN}{name}").to_numpy() for name in own}
    return SeriesRows(step=values_of(rows, STEP).to_numpy().astype(numpy.int64), **found)


#: The columns that `read_series_rows` reads.
SERIES_COLUMNS: Sequence[str] = tuple(
    name if name == STEP else f"{OWN}{name}" for name in SeriesRows.__struct_fields__
)


def _sorted(rows: polars.DataFrame, forecast: Forecast) -> polars.DataFrame:
    time = microseconds(values_of(rows, forecast.ordered_by)).alias(f"{OWN}time")
    keys = [named(key) for key in forecast.keys]
    return rows.with_columns(time).sort([*keys, polars.col(f"{OWN}time")], maintain_order=True)


def _series(rows: polars.DataFrame, task: Task, forecast: Forecast) -> Iterator[_Series]:
    """Each series, held to its frequency."""
    values = values_of(rows, task.target).to_numpy()
    times = values_of(rows, f"{OWN}time").to_numpy()
    keys = rows.select(polars.selectors.by_name(*forecast.keys)) if forecast.keys else None
    starts = [0]
    if keys is not None:
        identity = keys.select(polars.struct(polars.all()).rle_id()).to_series().to_numpy()
        starts = [0, *(numpy.flatnonzero(numpy.diff(identity)) + 1).tolist()]
    broken: list[str] = []
    for first, end in zip(starts, [*starts[1:], rows.height], strict=True):
        name = "" if keys is None else ", ".join(map(str, keys.row(first)))
        broken += _gaps(name, rows, times[first:end], first, forecast)
        yield _Series(first, name, values[first:end], times[first:end])
    if broken:
        more = f", and {len(broken) - _SHOWN:,} more" if len(broken) > _SHOWN else ""
        raise StageFailure(
            ExitCode.DATA,
            f"the values are not one every {forecast.every}: " + "; ".join(broken[:_SHOWN]) + more,
            "fill or drop the gaps in the data, or correct `every` or `key` of the forecast",
        )


def _gaps(
    name: str, rows: polars.DataFrame, times: NDArray[numpy.int64], first: int, forecast: Forecast
) -> list[str]:
    """Where a series has a value too few or too many."""
    places = _positions(times, forecast)
    wrong = numpy.flatnonzero(numpy.diff(places) != 1)
    if not len(wrong):
        return []
    at = int(wrong[0])
    texts = values_of(rows, forecast.ordered_by)
    before, after = texts[first + at], texts[first + at + 1]
    what = f"two values at {after}" if before == after else f"{before} is followed by {after}"
    return [f"{name}: {what}" if name else what]


def _positions(times: NDArray[numpy.int64], forecast: Forecast) -> NDArray[numpy.float64]:
    """When each value is, counted in steps."""
    if forecast.seconds is not None:
        steps: NDArray[numpy.float64] = (times - times[0]) / (forecast.seconds * _MICROSECONDS)
        return steps
    moments = polars.Series(times).cast(polars.Datetime("us"))
    months = (moments.dt.year().cast(polars.Int64) * 12 + moments.dt.month()).to_numpy().astype(numpy.float64)
    within = (moments - moments.dt.truncate("1mo")).dt.total_microseconds().to_numpy()
    is_even = (within == within[0]) & (moments.dt.day().to_numpy() <= _LAST_DAY)
    return numpy.where(is_even, months, numpy.nan)


def _require_constant(
    rows: polars.DataFrame, columns: Mapping[str, Column], task: Task, forecast: Forecast
) -> None:
    """Raise StageFailure where a string that is a feature changes within a series."""
    names = [
        name
        for name, column in columns.items()
        if name not in {*forecast.keys, task.target}
        and column.may_be_feature
        and column.column_type.is_string
    ]
    if not names:
        return
    counts = polars.selectors.by_name(*names).as_expr().n_unique()
    keys = [named(key) for key in forecast.keys]
    found = rows.group_by(keys).agg(counts) if keys else rows.select(counts)
    for name in names:
        if (values_of(found, name) > 1).any():
            raise StageFailure(
                ExitCode.DATA,
                f"`{name}` changes within a series, and a forecast knows one value of it for all steps",
                "make numbers of it that are known ahead, such as 0 and 1, or say `known: after`",
            )


def _cuts(times: NDArray[numpy.int64], split: SharedSplit) -> tuple[int, int]:
    """The first times of the validation and of the test split."""
    known = numpy.unique(times)
    places = [min(len(known) - 1, int(bound * len(known))) for bound in split.bounds]
    return int(known[places[0]]), int(known[places[1]])


def _scales(series: Sequence[_Series], forecast: Forecast, cut: int) -> list[float]:
    """The error of each series' seasonal naive forecast in training; that of the others where it has none."""
    found = []
    for each in series:
        known = each.values[each.times < cut]
        apart = numpy.abs(known[forecast.season_length :] - known[: -forecast.season_length])
        found.append(float(apart.mean()) if len(apart) else 0.0)
    usual = [scale for scale in found if scale > 0]
    otherwise = sum(usual) / len(usual) if usual else 1.0
    return [scale or otherwise for scale in found]


@dataclass(frozen=True)
class _Part:
    """The rows made of one series, by origin and step."""

    target: NDArray[numpy.int64]
    """The row of the sorted table that holds each row's truth."""
    step: NDArray[numpy.int64]
    split: NDArray[numpy.int8]
    history: NDArray[numpy.float32]
    own: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, series: _Series, scale: float, forecast: Forecast, cuts: tuple[int, int]) -> _Part | None:
        """The rows of a series; None where it is too short to have any."""
        length, horizon, count = forecast.length, forecast.horizon, len(series.values)
        if count <= length:
            return None
        origins = numpy.repeat(numpy.arange(length - 1, count - 1), horizon)
        steps = numpy.tile(numpy.arange(1, horizon + 1), count - length)
        split = _split_of(series.times, origins, steps, horizon, cuts)
        kept = split >= 0
        origins, steps, split = origins[kept], steps[kept], split[kept]
        histories = numpy.lib.stride_tricks.sliding_window_view(series.values, length)
        starts = origins - (length - 1)
        season = forecast.season_length
        places = length - season + (steps - 1) % season
        spread = numpy.abs(histories[:, season:] - histories[:, :-season]).mean(axis=1)
        own = {
            "truth": series.values[origins + steps],
            "origin": series.times[origins] / _MICROSECONDS,
            "naive": series.values[starts + places],
            "scale": numpy.full(len(steps), scale),
            "spread": spread[starts],
        }
        return cls(series.first + origins + steps, steps, split, histories.astype(numpy.float32)[starts], own)


def _split_of(
    times: NDArray[numpy.int64],
    origins: NDArray[numpy.int64],
    steps: NDArray[numpy.int64],
    horizon: int,
    cuts: tuple[int, int],
) -> NDArray[numpy.int8]:
    """The number of each row's split in SPLITS, -1 for one that is in none."""
    last = len(times) - 1
    target, after, end = origins + steps, origins + 1, origins + horizon
    is_whole = end <= last
    ends = times[numpy.minimum(end, last)]
    starts = times[after]
    found = numpy.full(len(origins), -1, dtype=numpy.int8)
    is_there = target <= last
    found[is_there & (times[numpy.minimum(target, last)] < cuts[0])] = 0
    found[is_whole & (starts >= cuts[0]) & (ends < cuts[1])] = 1
    found[is_whole & (starts >= cuts[1])] = 2
    return found


def _assembled(rows: polars.DataFrame, parts: Sequence[_Part], task: Task) -> polars.DataFrame:
    """The columns of the data as they are at each row's step, with what is made of its history."""
    if not parts:
        return rows.clear()
    target = numpy.concatenate([part.target for part in parts])
    made = rows.drop(f"{OWN}time")[target]
    history = numpy.concatenate([part.history for part in parts])
    own = [
        polars.Series(f"{OWN}{name}", numpy.concatenate([part.own[name] for part in parts]))
        for name in parts[0].own
    ]
    kind = polars.Array(polars.Float32, history.shape[1])
    steps = polars.Series(STEP, numpy.concatenate([part.step for part in parts]).astype(numpy.float64))
    return made.with_columns(polars.Series(task.target, history, dtype=kind), steps, *own)


def _require_splits(names: polars.Series, forecast: Forecast) -> None:
    for name in SPLITS:
        if not (names == name).any():
            raise StageFailure(
                ExitCode.DATA,
                f"the {name} split holds no history of {forecast.length} steps that a horizon of "
                f"{forecast.horizon} follows"
                if name == "train"
                else f"the {name} split is shorter than the horizon of {forecast.horizon} steps",
                "give the split a larger share, collect more of the past, or forecast fewer steps",
            )
