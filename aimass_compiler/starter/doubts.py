"""What a column may hold beside what it is taken for: gaps written as numbers, moments as counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.observing import Sort

if TYPE_CHECKING:
    from aimass_compiler.starter.observing import Observation

#: So far below or above all others, in their whole range, and so often, a number stands for a gap.
_FARTHEST = 5
_LEAST_OFTEN = 5
_FEWEST_NUMBERS = 10
#: The years 2001 to 2100 in units since 1970.
_UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_FIRST, _LAST = 978_307_200, 4_102_444_800
_FEWEST_MOMENTS = 20
#: So long a range is that of a counter or an amount of money.
_LONGEST = 50 * 365 * 86_400


def doubt_of_number(observation: Observation) -> str:
    """What the numbers could stand for, with what to do then; nothing where they look like amounts."""
    return _moments(observation) or _gap(observation)


def _moments(observation: Observation) -> str:
    for unit, factor in _UNITS.items():
        first, last = observation.smallest / factor, observation.largest / factor
        is_likely = first >= _FIRST and last <= _LAST and last - first <= _LONGEST
        if is_likely and observation.distinct >= _FEWEST_MOMENTS and _are_whole(observation):
            day = datetime.fromtimestamp(first, UTC).date()
            return (
                f"these could be {unit} since 1970, from {day}: a model then learns when rows came; "
                "written as dates they order the rows"
            )
    return ""


def _are_whole(observation: Observation) -> bool:
    return all(float(value).is_integer() for value in observation.values if str(value).strip())


def _gap(observation: Observation) -> str:
    """The least or the largest number, where it comes often and far from all others."""
    often = [value for value, count in observation.values.items() if count >= _LEAST_OFTEN]
    ends = (observation.smallest, observation.largest)
    likely = [value for value in often if str(value).strip() and float(value) in ends]
    if not likely or observation.distinct < _FEWEST_NUMBERS:
        return ""
    numbers = sorted(float(value) for value in observation.values if str(value).strip())
    for value in likely:
        end = float(value)
        others = [number for number in numbers if number != end] or [end]
        nearest = min(abs(others[0] - end), abs(others[-1] - end))
        if nearest > _FARTHEST * (others[-1] - others[0]):
            return (
                f"{inline(value)} comes {observation.values[value]:,} times, far from all others: if it "
                "stands for a missing value, make it one (of a csv file: `missing`)"
            )
    return ""


def doubt_of_names(observation: Observation) -> str:
    """Whether most of the names are numbers or dates, and which are not."""
    for sort, kind, told in ((Sort.NUMBER, "number", "numbers"), (Sort.TIME, "time", "dates in ISO 8601")):
        strays = observation.known - observation.sorts[sort]
        limit = 10 if sort is Sort.NUMBER else 1.5
        if 0 < limit * strays <= observation.known and Sort.NAME in observation.examples:
            example = inline(str(observation.examples[Sort.NAME])[:30])
            return (
                f"all but {strays:,} (such as {example}) are {told}: write those alike, or make them "
                f"missing, and the type is `{kind}`"
            )
    return ""
