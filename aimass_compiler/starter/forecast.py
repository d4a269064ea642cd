"""A table of values in their order as series: what separates them, their frequency, and their season."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    import polars

    from aimass_compiler.starter.decisions import Draft

_MICROSECONDS, _DAY = 1_000_000, 86_400
_MONTH = (28 * _DAY, 31 * _DAY)
_UNITS = {"w": 7 * _DAY, "d": _DAY, "h": 3_600, "m": 60, "s": 1}
#: After how many steps the usual pattern repeats: a day of hours and of quarters of one, a week, a year.
_SEASONS = {"15m": 96, "30m": 48, "1h": 24, "1d": 7, "1w": 52, "month": 12}
_USUAL_HORIZON, _LONGEST_HORIZON, _TEST_SHARE = 6, 28, 0.15
_KEYS = ("category", "id", "text")
_MOST_KEYS = 2
#: Rows that are no series have as many gaps in time as rows; so many alike are a series.
_REGULAR, _FEWEST_GAPS = 0.9, 30
#: To look for what separates the series of more rows takes longer than to read them.
_MOST_ROWS = 200_000


@dataclass(frozen=True)
class SeriesDraft:
    """What a spec says of a forecast."""

    time: str
    key: tuple[str, ...]
    every: str
    season_length: int
    horizon: int
    series: int
    """How many series there are."""
    known_after: frozenset[str]
    """The columns of which it cannot be seen that they are known ahead."""
    is_regular: bool
    """Whether nearly all values are as far apart, so that this is a series and not rows that have a time."""

    @property
    def reason(self) -> str:
        """What was seen, in a sentence."""
        which = (
            f"{self.series:,} series by {' and '.join(map(inline, self.key))}" if self.key else "one series"
        )
        return f"{which} in the order of {inline(self.time)}, mostly one value every {self.every}"


def series_of(draft: Draft, rows: polars.DataFrame | polars.LazyFrame) -> SeriesDraft:
    """The series of a table; raises UnusableDataError where it has no time, or no number is predicted."""
    import polars

    from aimass_compiler.expression.plain_name import named
    from aimass_compiler.expression.timestamp_columns import microseconds

    if draft.time is None:
        raise UnusableDataError("AM064", "no column says when a value was, so nothing can be forecast")
    if draft.target.classes:
        message = f"{inline(draft.target.name)} is a class, and a forecast predicts numbers"
        raise UnusableDataError("AM064", message, "choose a number: `--target COLUMN`")
    time, names = draft.time.name, [column.name for column in draft.columns]
    table = rows.lazy().select(polars.selectors.by_name(*names)).collect()
    at = microseconds(table.get_column(time).cast(polars.String)).alias("\x1ftime")
    table = table.with_columns(at)
    key = _key(draft, table)
    ordered = table.sort([*(named(name) for name in key), polars.col("\x1ftime")])
    gaps = polars.col("\x1ftime").diff()
    apart = ordered.select(gaps.over([named(name) for name in key]) if key else gaps).to_series().drop_nulls()
    seconds = int(apart.mode().sort()[0]) // _MICROSECONDS if len(apart) else _DAY
    is_monthly = _MONTH[0] <= seconds <= _MONTH[1] and bool(seconds % (7 * _DAY))
    every = "month" if is_monthly else _shown(seconds)
    season = _SEASONS.get(every, 1)
    room = max(1, int(_TEST_SHARE * table.get_column("\x1ftime").n_unique()) - 1)
    usual = season if season > 1 else _USUAL_HORIZON
    groups = table.select(polars.selectors.by_name(*key)).n_unique() if key else 1
    later = frozenset(
        column.name
        for column in draft.columns
        if column.name not in (*key, time, draft.target.name) and column.type != "id"
    )
    horizon = min(usual, _LONGEST_HORIZON, room)
    is_regular = _is_regular(apart, _MONTH if is_monthly else (seconds, seconds))
    return SeriesDraft(time, key, every, season, horizon, groups, later, is_regular)


def _is_regular(apart: polars.Series, seconds: tuple[int, int]) -> bool:
    """Whether nearly all of these gaps, and enough of them, are so long."""
    least, most = (bound * _MICROSECONDS for bound in seconds)
    return len(apart) >= _FEWEST_GAPS and float(apart.is_between(least, most).mean() or 0) >= _REGULAR  # type: ignore[arg-type]  # of booleans


def series_beside(draft: Draft, rows: polars.DataFrame | polars.LazyFrame) -> SeriesDraft | None:
    """The series of a table whose rows are to be predicted one by one, where it has some."""
    is_ordered = draft.time is not None and not draft.time.missing(draft.rows)
    if draft.target.classes or not is_ordered or draft.rows > _MOST_ROWS:
        return None
    try:
        found = series_of(draft, rows)
    except UnusableDataError:
        return None
    return found if found.is_regular else None


def _key(draft: Draft, table: polars.DataFrame) -> tuple[str, ...]:
    """The fewest columns of names by which there is one value at each time."""
    import polars

    names = [
        column.name for column in draft.columns if column.type in _KEYS and not column.missing(draft.rows)
    ]
    for count in range(_MOST_KEYS + 1):
        for chosen in combinations(names, count):
            if not table.select(polars.selectors.by_name("\x1ftime", *chosen)).is_duplicated().any():
                return chosen
    raise UnusableDataError(
        "AM064",
        "there are several values at one time, and no column names their series",
        "add a column that names the series, or leave one value at each time",
    )


def _shown(seconds: int) -> str:
    unit = next((unit for unit, size in _UNITS.items() if seconds and seconds % size == 0), "s")
    return f"{max(1, seconds // _UNITS[unit])}{unit}"
