"""Point-in-time joins: of another source, a row knows the rows of its key that are not later than itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pyarrow

from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.expression.timestamp_columns import microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.catalog.quantities import Duration
    from aimass_compiler.pipeline.joins import Aggregation, Join

    Places = NDArray[numpy.int64]

#: So many values are looked at at once where each row needs those of its own range.
_EXPANDED = 2**22
_CODE, _TIME, _ORDER = "\x01code", "\x01time", "\x01order"


@dataclass(frozen=True)
class Ranges:
    """For each row of a block the rows of the history that it may read: from `starts`, before `ends`."""

    starts: Places
    ends: Places

    @property
    def lengths(self) -> Places:
        return self.ends - self.starts


class History:
    """The rows of a source in memory, in the order of key and time, then of `order_by`, then of the source.

    Rows without a key, a time or a place in the order are of no use and are left out.
    """

    def __init__(self, rows: polars.DataFrame, join: Join, lengths: Mapping[str, int] | None = None) -> None:
        """`lengths` are those of the series that the join makes."""
        self._join, self._lengths = join, lengths or {}
        if join.order_by is not None:
            ordering = read_order(values_of(rows, join.order_by)).alias(_ORDER)
            rows = rows.with_columns(ordering).drop_nulls(_ORDER).sort(_ORDER, maintain_order=True)
        keys = rows.select(polars.selectors.by_name(*join.on))
        self._left_time = None if join.time is None else join.time.left
        self._keys = keys.drop_nulls().unique(maintain_order=True).with_row_index(_CODE)
        times = _microseconds_of(rows, None if join.time is None else join.time.right)
        known = rows.with_columns(self._codes(rows), times.alias(_TIME)).drop_nulls([_CODE, _TIME])
        times = values_of(known, _TIME)
        self._times = times.unique().sort().to_numpy()
        # Key and time in one number, so that one search finds both; 0 is before the first time of a key.
        self._steps = len(self._times) + 1
        codes, ranks = values_of(known, _CODE).cast(polars.Int64), times.rank("dense").cast(polars.Int64)
        places = (codes * self._steps + ranks).to_numpy()
        order = numpy.argsort(places, kind="stable")
        self._order = places[order]
        #: What can be read of them, in their order.
        self.rows = known[order]
        self._values: dict[str, _Values] = {}
        self._steps_of: dict[tuple[str, ...], _SeriesSteps] = {}

    def _codes(self, block: polars.DataFrame) -> polars.Series:
        """The number of each row's key; null where the history has no such key."""
        on = [polars.selectors.by_name(key) for key in self._join.on]
        keys = block.select(on).join(self._keys, on=on, how="left", maintain_order="left")
        return keys.get_column(_CODE)

    def ranges(self, block: polars.DataFrame, back: Duration | None) -> Ranges:
        """What the rows of a block may read, at most so far back, both ends of `asof` included."""
        codes = self._codes(block)
        times = _microseconds_of(block, self._left_time)
        is_known = (codes.is_not_null() & times.is_not_null()).to_numpy()
        first = codes.fill_null(0).to_numpy().astype(numpy.int64) * self._steps
        until = times.fill_null(0).to_numpy() - _in_microseconds(self._join.delay)
        is_exact = self._join.allow_exact_matches
        last = numpy.searchsorted(self._times, until, side="right" if is_exact else "left")
        ends = numpy.searchsorted(self._order, first + last, side="right")
        since = numpy.zeros_like(last)
        if back is not None:
            # A window is open at its far end, so that 7 days of dates are seven dates.
            is_open = is_exact and self._join.how != "asof"
            earliest = until - _in_microseconds(back)
            since = numpy.searchsorted(self._times, earliest, side="right" if is_open else "left")
        starts = numpy.searchsorted(self._order, first + since, side="right")
        ends = numpy.where(is_known, numpy.maximum(ends, starts), 0)
        return Ranges(numpy.where(is_known, starts, 0).astype(numpy.int64), ends.astype(numpy.int64))

    def latest(self, block: polars.DataFrame, names: Sequence[str]) -> polars.DataFrame:
        """Beside each row of a block the latest one that it may read, in the named columns."""
        return self._gathered(names, self.ranges(block, self._join.tolerance))

    def _gathered(self, names: Sequence[str], ranges: Ranges) -> polars.DataFrame:
        last = polars.Series(ranges.ends - 1).set(polars.Series(ranges.lengths == 0), None)
        return self.rows.select(polars.selectors.by_name(*names)).select(polars.all().gather(last))

    def aggregated(self, block: polars.DataFrame) -> polars.DataFrame:
        """For each row of a block what the join computes of the rows that it may read.

        A row without a time reads none, and of what it could have read nothing is known, so all is missing.
        """
        times = _microseconds_of(block, self._left_time)
        windows: dict[Duration | None, Ranges] = {}
        found: dict[str, polars.Series] = {}
        for name, aggregation in (self._join.aggregate or {}).items():
            back = aggregation.window
            if back not in windows:
                windows[back] = self.ranges(block, back)
            if aggregation.function == "series":
                found[name] = self._series(aggregation.read, self._lengths[name], windows[back])
                continue
            found[name] = self._aggregate(aggregation, windows[back]).set(times.is_null(), None)
        return polars.DataFrame(found)

    def _series(self, names: tuple[str, ...], most: int, ranges: Ranges) -> polars.Series:
        if names not in self._steps_of:
            self._steps_of[names] = _SeriesSteps([values_of(self.rows, name) for name in names])
        return self._steps_of[names].last(most, ranges)

    def _aggregate(self, aggregation: Aggregation, ranges: Ranges) -> polars.Series:
        if aggregation.column is None:
            return polars.Series(ranges.lengths, dtype=polars.Float64)
        if aggregation.function == "last":
            return values_of(self._gathered([aggregation.column], ranges), aggregation.column)
        if aggregation.column not in self._values:
            values = values_of(self.rows, aggregation.column)
            self._values[aggregation.column] = _Values(values, values_of(self.rows, _CODE))
        if aggregation.function == "last_known":
            return self._values[aggregation.column].last_known(ranges)
        return self._values[aggregation.column].computed(aggregation.function, ranges)


def _in_microseconds(duration: Duration | None) -> int:
    return round(duration.seconds * 1e6) if duration else 0


def _microseconds_of(block: polars.DataFrame, name: str | None) -> polars.Series:
    """When each row was, in microseconds since 1970; where no column says so, all were at once."""
    if name is None:
        return polars.repeat(0, block.height, dtype=polars.Int64, eager=True)
    return read_times(values_of(block, name))


def read_times(raw: polars.Series) -> polars.Series:
    """A column of times in microseconds since 1970 in UTC; null where a value is no date or timestamp."""
    if raw.dtype in (polars.Date, polars.Datetime):
        return raw.dt.timestamp("us")
    return microseconds(raw.cast(polars.String))


def read_order(raw: polars.Series) -> polars.Series:
    """A column that puts rows in order, as numbers: of times, where the first value is no number."""
    if raw.dtype.is_numeric():
        return raw
    if raw.dtype == polars.String and is_order_of_numbers(raw):
        return raw.cast(polars.Float64, strict=False)
    return read_times(raw)


def is_order_of_numbers(raw: polars.Series) -> bool:
    """Whether the first value that there is is a number."""
    first = raw.drop_nulls().head(1)
    return raw.dtype.is_numeric() or first.cast(polars.Float64, strict=False).null_count() < len(first)


class _SeriesSteps:
    """Columns of a history as the steps of series; a row that lacks one of them is no step."""

    def __init__(self, columns: Sequence[polars.Series]) -> None:
        values = numpy.column_stack([column.cast(polars.Float32).to_numpy() for column in columns])
        is_step = ~numpy.isnan(values).any(axis=1)
        self._values = values[is_step]
        self._before = numpy.append(0, numpy.cumsum(is_step))

    def last(self, most: int, ranges: Ranges) -> polars.Series:
        """Of each range at most so many last steps, their channels one after the other; null of none."""
        ends = self._before[ranges.ends]
        lengths = numpy.minimum(ends - self._before[ranges.starts], most)
        flat = self._values[_places(ends - lengths, lengths)].ravel()
        bounds = numpy.append(0, numpy.cumsum(lengths)) * self._values.shape[1]
        lists = pyarrow.LargeListArray.from_arrays(bounds, flat, mask=pyarrow.array(lengths == 0))
        found = polars.from_arrow(lists)
        assert isinstance(found, polars.Series)  # noqa: S101  # of an array, not of a table
        return found


class _Values:
    """One column of a history; what ranges of it are computed from is prepared once."""

    def __init__(self, values: polars.Series, codes: polars.Series) -> None:
        self._values, self._codes = values, codes

    @cached_property
    def _before(self) -> Places:
        """How many values there are before each row, and in all."""
        return numpy.append(0, numpy.cumsum(self._values.is_not_null().to_numpy()))

    @cached_property
    def _earlier(self) -> Places:
        """The last row before with the same key and value; -1 where there is none, the end for no value."""
        alike = polars.DataFrame({"code": self._codes, "value": self._values}).with_row_index("row")
        before = polars.col("row").cast(polars.Int64).shift(1).over("code", "value").fill_null(-1)
        found = alike.select(polars.when(polars.col("value").is_not_null()).then(before))
        return found.to_series().fill_null(alike.height).to_numpy()

    def last_known(self, ranges: Ranges) -> polars.Series:
        """The last value of each range that is not missing."""
        rows = numpy.arange(len(self._values))
        known = numpy.maximum.accumulate(numpy.where(self._values.is_not_null().to_numpy(), rows, -1))
        last = numpy.append(known, -1)[ranges.ends - 1]
        is_there = (ranges.lengths > 0) & (last >= ranges.starts)
        return self._values.gather(polars.Series(last).set(polars.Series(~is_there), None))

    def computed(self, function: str, ranges: Ranges) -> polars.Series:
        """One value for each range; null where there is nothing to compute it of."""
        counts = self._before[ranges.ends] - self._before[ranges.starts]
        if function == "count":
            return polars.Series(counts, dtype=polars.Float64)
        if function == "count_distinct":
            return polars.Series(self._distinct(ranges), dtype=polars.Float64)
        ufunc, nothing = _REDUCTIONS[function]
        found = polars.Series(self._reduced(ufunc, nothing, ranges))
        if function == "sum":
            return found
        return (found / counts if function == "mean" else found).set(polars.Series(counts == 0), None)

    def _reduced(self, ufunc: numpy.ufunc, nothing: float, ranges: Ranges) -> NDArray[Any]:
        """A range's values by a ufunc, where missing ones count as `nothing`, which changes no result.

        `reduceat` reduces between each two of its places, so also between the end of a range and the start of
        the next: ranges are taken in the order of their starts, so that these gaps are few.
        """
        padded = numpy.append(self._values.fill_null(nothing).to_numpy(), nothing)
        found = numpy.full(len(ranges.starts), nothing)
        order = numpy.argsort(ranges.starts, kind="stable")
        order = order[ranges.lengths[order] > 0]
        if len(order):
            places = numpy.column_stack([ranges.starts[order], ranges.ends[order]]).ravel()
            found[order] = ufunc.reduceat(padded, places)[::2]
        return found

    def _distinct(self, ranges: Ranges) -> NDArray[Any]:
        """How many different values each range has, some ranges at a time.

        A value counts where it is the first of its kind in the range: the one before it lies further back.
        """
        found = numpy.zeros(len(ranges.starts))
        total = numpy.cumsum(ranges.lengths)
        start = 0
        while start < len(found):
            limit = (total[start - 1] if start else 0) + _EXPANDED
            end = max(start + 1, int(numpy.searchsorted(total, limit, side="right")))
            some = Ranges(ranges.starts[start:end], ranges.ends[start:end])
            found[start:end] = _firsts(self._earlier, some)
            start = end
        return found


def _firsts(earlier: Places, ranges: Ranges) -> Places:
    """How many places of each range have nothing alike earlier in it."""
    lengths = ranges.lengths
    behind = numpy.cumsum(lengths)
    is_first = earlier[_places(ranges.starts, lengths)] < numpy.repeat(ranges.starts, lengths)
    counts: Places = numpy.append(0, numpy.cumsum(is_first))
    found: Places = counts[behind] - counts[behind - lengths]
    return found


def _places(starts: Places, lengths: Places) -> Places:
    """All places of ranges, one range after the other."""
    found: Places = numpy.arange(lengths.sum()) + numpy.repeat(
        starts - numpy.cumsum(lengths) + lengths, lengths
    )
    return found


#: How values are put together, and what changes no result.
_REDUCTIONS: dict[str, tuple[numpy.ufunc, float]] = {
    "sum": (numpy.add, 0.0),
    "mean": (numpy.add, 0.0),
    "min": (numpy.minimum, numpy.inf),
    "max": (numpy.maximum, -numpy.inf),
}
