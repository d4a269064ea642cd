"""What a column holds, seen once, value by value, in bounded memory."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from aimass_compiler.starter.unusable import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: More columns than this fit in no file that a person edits.
MOST_COLUMNS = 5_000
#: Distinct values remembered: of all columns together, and of one column at least and at most.
_REMEMBERED, _FEWEST, _MOST = 2_000_000, 200, 100_000
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CODE = re.compile(r"[-+]?0[0-9]+")
#: ISO 8601 as the contract's `time` describes it.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class Sort(Enum):
    """What one value looks like."""

    NUMBER = "a number"
    CODE = "digits after a leading zero"
    FLAG = "true or false"
    TIME = "a moment"
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

    def is_name(self, value: Any) -> bool:
        """Whether a value that it remembers is neither a number nor anything else with a form."""
        return self._sort_of.get(value) is Sort.NAME

    def add(self, value: Any) -> None:
        """Count one cell."""
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            return
        self.types.add(type(value))
        if isinstance(value, list):
            self._add_list(value)
            return
        if isinstance(value, bool):
            value = "true" if value else "false"
            self._count(value, Sort.FLAG)
            return
        sort = self._sort_of.get(value) if isinstance(value, (str, int, float)) else Sort.OTHER
        self._count(value, sort or self._sorted(value))

    def _count(self, value: Any, sort: Sort) -> None:
        self.sorts[sort] += 1
        if sort is Sort.OTHER:
            return
        self.examples.setdefault(sort, value)
        if isinstance(value, str) and sort is Sort.NAME:
            self.words += len(value.split())
        if value in self.values or len(self.values) < self.capacity:
            self.values[value] += 1
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
        return Sort.TIME if _is_time(text) else Sort.NAME

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


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Observed:
    """A whole file: how many rows, and what each column holds, in the file's order."""

    rows: int
    columns: Mapping[str, Observation]


def observe(rows: Iterable[Mapping[str, Any]]) -> Observed:
    """Look at every row once; raises UnusableDataError."""
    count = 0
    columns: dict[str, Observation] = {}
    for row in rows:
        count += 1
        for name, value in row.items():
            observation = columns.get(name)
            if observation is None:
                observation = columns[name] = Observation(_capacity(max(len(row), len(columns))))
                _check_count(columns)
            observation.add(value)
    return Observed(count, columns)


def _capacity(columns: int) -> int:
    return max(_FEWEST, min(_MOST, _REMEMBERED // columns))


def _check_count(columns: Mapping[str, Observation]) -> None:
    if len(columns) > MOST_COLUMNS:
        hint = "keep those that may matter, or hold them as one list, such as an image's pixels"
        raise UnusableDataError("AM062", f"there are more than {MOST_COLUMNS:,} columns", hint)
