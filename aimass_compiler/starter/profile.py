"""What a column holds, seen once in bounded memory: columns of one type at once, others value by value."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aimass_compiler import timestamps
from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars

#: More columns than this fit in no file that a person edits.
MOST_COLUMNS = 5_000
#: Distinct values remembered: of all columns together, and of one column at least and at most.
_REMEMBERED, _FEWEST, _MOST = 2_000_000, 200, 100_000
#: Below so many values, looking at them one by one is faster than asking polars.
_FEW_VALUES = 2_000
_FEWEST_IN_ORDER = 20
#: A running number may leave some out: sorted, it takes one of ten; in any order, five of six.
_SPARSEST_SORTED = 10
_SPARSEST_SHUFFLED = 1.2
_NUMBER_PATTERN = r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
CODE_PATTERN = r"^[-+]?0[0-9]+([eE][0-9]+)?$"
_NUMBER, _CODE = re.compile(_NUMBER_PATTERN), re.compile(CODE_PATTERN)
_DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]|$)"
_DATE = re.compile(_DATE_PATTERN)


class Sort(Enum):
    """What one value looks like."""

    NUMBER = "a number"
    CODE = "digits after a leading zero"
    FLAG = "true or false"
    TIME = "a timestamp"
    NAME = "other text"
    BLANK = "spaces"
    LIST = "a list"
    OTHER = "a structure"


@dataclass
class Observation:
    """One column; a value that is missing (None, "" or NaN) is not counted."""

    capacity: int = _MOST
    sorts: Counter[Sort] = field(default_factory=Counter)
    values: Counter[Any] = field(default_factory=Counter)
    """The distinct values and how often each comes, as long as there is capacity."""
    is_complete: bool = True
    """Whether `values` holds every value."""
    examples: dict[Sort, Any] = field(default_factory=dict)
    """The first value of each sort."""
    types: set[type] = field(default_factory=set)
    """In what types the file has them."""
    smallest: float = math.inf
    largest: float = -math.inf
    words: int = 0
    lengths: set[int] = field(default_factory=set)
    """How many numbers its lists hold; -1 for a list that holds something else."""
    note: str = ""
    """What is to be known about how the file writes the values."""
    fault: str = ""
    """Why the file has no such column that could be told from others."""
    _sort_of: dict[Any, Sort] = field(default_factory=dict)

    @property
    def known(self) -> int:
        return self.sorts.total()

    @property
    def found(self) -> set[Sort]:
        """The sorts of value that occur."""
        return {sort for sort, count in self.sorts.items() if count}

    @property
    def distinct(self) -> int:
        """How many different values there are, or at least are."""
        return len(self.values)

    def add(self, value: Any, count: int = 1) -> None:
        """Count a cell, or several alike."""
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            return
        self.types.add(type(value))
        if isinstance(value, list):
            self._add_list(value)
            return
        if isinstance(value, bool):
            value = "true" if value else "false"
            self._count(value, Sort.FLAG, count)
            return
        sort = self._sort_of.get(value) if isinstance(value, (str, int, float)) else Sort.OTHER
        self._count(value, sort or self._sorted(value), count)

    def _count(self, value: Any, sort: Sort, count: int) -> None:
        self.sorts[sort] += count
        if sort is Sort.OTHER:
            return
        self.examples.setdefault(sort, value)
        if isinstance(value, str) and sort is Sort.NAME:
            self.words += count * len(value.split())
        if value in self.values or len(self.values) < self.capacity:
            self.values[value] += count
            self._sort_of[value] = sort
        else:
            self.is_complete = False

    def _sorted(self, value: str | float) -> Sort:
        if not isinstance(value, str):
            return Sort.NUMBER if self._is_held(value) else Sort.OTHER
        text = value.strip()
        if not text:
            return Sort.BLANK
        if _CODE.fullmatch(text):
            return Sort.CODE
        if _NUMBER.fullmatch(text) and self._is_held(text):
            return Sort.NUMBER
        return Sort.TIME if _DATE.match(text) and timestamps.microseconds(text) is not None else Sort.NAME

    def _is_held(self, value: str | float) -> bool:
        """Whether a float64 holds the number, which then counts for the smallest and the largest."""
        try:
            number = float(value)
        except OverflowError:
            return False
        if math.isinf(number):
            return False
        self.smallest = min(self.smallest, number)
        self.largest = max(self.largest, number)
        return True

    def _add_list(self, values: list[Any]) -> None:
        self.sorts[Sort.LIST] += 1
        holds_numbers = all(
            isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
        )
        self.lengths.add(len(values) if holds_numbers else -1)


@dataclass(frozen=True)
class DataFileProfile:
    """A whole file: how many rows, and what each column holds, in the file's order."""

    rows: int
    columns: Mapping[str, Observation]


def observe(rows: int, columns: Mapping[str, polars.Series | Iterable[Any]]) -> DataFileProfile:
    """Look at every column once; raises UnusableDataError."""
    if len(columns) > MOST_COLUMNS:
        hint = "keep those that may matter, or hold them as one list, such as an image's pixels"
        raise UnusableDataError("AM062", f"there are more than {MOST_COLUMNS:,} columns", hint)
    capacity = max(_FEWEST, min(_MOST, _REMEMBERED // max(1, len(columns))))
    return DataFileProfile(rows, {name: _observed(values, capacity) for name, values in columns.items()})


def _observed(values: polars.Series | Iterable[Any], capacity: int) -> Observation:
    import polars

    observation = Observation(capacity)
    if isinstance(values, list) and len(values) > _FEW_VALUES:
        values = _of_one_type(values)
    if isinstance(values, polars.Series) and len(values) > _FEW_VALUES:
        if values.dtype == polars.String:
            _add_texts(observation, values)
            return observation
        if values.dtype.is_numeric():
            _add_numbers(observation, values)
            return observation
    if isinstance(values, polars.Series) and values.dtype == polars.String:
        for value, count in Counter(values.to_list()).items():
            observation.add(value, count)
        return observation
    for value in values.to_list() if isinstance(values, polars.Series) else values:
        observation.add(value)
    return observation


def _of_one_type(values: list[Any]) -> polars.Series | list[Any]:
    """The values as a column where all are texts, whole numbers or others."""
    import polars

    types = set(map(type, values)) - {type(None)}
    kinds: dict[type, Any] = {str: polars.String, int: polars.Int64, float: polars.Float64}
    if len(types) != 1 or (kind := kinds.get(types.pop())) is None:
        return values
    try:
        return polars.Series(values, dtype=kind)
    except (OverflowError, TypeError, polars.exceptions.PolarsError):  # more than 64 bits
        return values


def _add_numbers(observation: Observation, values: polars.Series) -> None:
    known = values.drop_nulls().drop_nans()
    if known.is_empty():
        return
    held = known.filter(known.cast(float).is_finite())
    observation.types.add(float if values.dtype.is_float() else int)
    observation.sorts[Sort.OTHER] = len(known) - len(held)
    distinct, counts = _counted(held)
    _remember(observation, Sort.NUMBER, distinct, counts)
    _widen(observation, held)
    _keep(observation, distinct, counts)


def _widen(observation: Observation, numbers: polars.Series) -> None:
    if len(numbers):
        observation.smallest = float(numbers.min())  # type: ignore[arg-type]  # there are numbers
        observation.largest = float(numbers.max())  # type: ignore[arg-type]  # there are numbers


def _add_texts(observation: Observation, texts: polars.Series) -> None:
    known = texts.drop_nulls()
    known = known.filter(known != "")
    if known.is_empty():
        return
    observation.types.add(str)
    distinct, counts = _counted(known)
    bare = distinct.str.strip_chars()
    are = {Sort.BLANK: bare == "", Sort.CODE: bare.str.contains(CODE_PATTERN)}
    numbers = bare.cast(float, strict=False)
    is_number = bare.str.contains(_NUMBER_PATTERN) & numbers.is_finite().fill_null(value=False)
    are[Sort.NUMBER] = is_number & ~are[Sort.CODE]
    is_date = bare.str.contains(_DATE_PATTERN)
    if is_date.any():
        is_date &= microseconds(bare.set(~is_date, None)).is_not_null()
    are[Sort.TIME] = is_date
    others = are[Sort.BLANK] | are[Sort.CODE] | are[Sort.NUMBER] | are[Sort.TIME]
    are[Sort.NAME] = ~others
    for sort, which in are.items():
        _remember(observation, sort, distinct.filter(which), counts.filter(which))
    _widen(observation, numbers.filter(are[Sort.NUMBER]))
    names = are[Sort.NAME]
    observation.words = int((bare.filter(names).str.count_matches(r"\S+") * counts.filter(names)).sum())
    _keep(observation, distinct, counts)


def _counted(values: polars.Series) -> tuple[polars.Series, polars.Series]:
    """The distinct values in the order in which they come up, and how often each does."""
    return values.unique(maintain_order=True), values.unique_counts()


def _remember(observation: Observation, sort: Sort, distinct: polars.Series, counts: polars.Series) -> None:
    if len(distinct):
        observation.sorts[sort] += int(counts.sum())
        observation.examples[sort] = distinct[0]


def _keep(observation: Observation, distinct: polars.Series, counts: polars.Series) -> None:
    observation.is_complete = len(distinct) <= observation.capacity
    kept = zip(distinct.head(observation.capacity), counts.head(observation.capacity), strict=True)
    observation.values = Counter(dict(kept))


def is_running(observation: Observation, rows: int) -> bool:
    """Whether the values number the rows, in their order or shuffled: whole, unique, and close together.

    It says nothing about a row but its place: a model learns from it how the file was put together.
    """
    known = observation.known
    if known != rows or known < _FEWEST_IN_ORDER or observation.found != {Sort.NUMBER}:
        return False
    values = [float(value) for value in observation.values]
    is_unique = len(values) == known or not observation.is_complete
    if not is_unique or max(observation.values.values()) > 1 or not all(map(float.is_integer, values)):
        return False
    span = observation.largest - observation.smallest + 1
    return span <= _SPARSEST_SHUFFLED * known or (span <= _SPARSEST_SORTED * known and _is_sorted(values))


def follows_time(observation: Observation) -> bool:
    """Whether moments come in the order of the rows, earliest or latest first."""
    import polars

    if observation.found != {Sort.TIME} or observation.distinct < _FEWEST_IN_ORDER:
        return False
    moments = microseconds(polars.Series([str(value) for value in observation.values]))
    return moments.null_count() == 0 and _is_sorted(moments.to_list())


def _is_sorted(values: Sequence[float]) -> bool:
    """Whether each value lies above the one before, or each below; NaN is neither."""
    steps = [later - earlier for earlier, later in pairwise(values)]
    return not any(map(math.isnan, steps)) and (
        all(step > 0 for step in steps) or all(step < 0 for step in steps)
    )
