"""From what a column holds to what the contract says of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.profile import Observation, Sort, is_running

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A closed list of values is worth its lines up to this many, if none of them is a rarity.
_MOST_LISTED = 20
_LEAST_OFTEN = 5
_MOST_CATEGORIES_NAMED_ID = 100
_FEWEST_UNIQUE = 20
#: Some rows may be repeated, or share what tells all others apart.
_NEARLY_UNIQUE, _FEWEST_NEARLY_UNIQUE = 0.98, 100
_WORDS_OF_TEXT = 3
_SEVERAL = 2
_LONGEST_NAME = 200
_LONGEST_SHOWN = 30
_SMALLEST_IMAGE = 4
_EXACT_INTEGERS = 1e15
_KINDS_OF_JSON = {bool: "flag", list: "list", dict: "object"}
_KINDS_WITHOUT_FORM = {bytes: "bytes", timedelta: "durations: write them as numbers", time: "times of day"}
#: What programs call the numbers that they give to rows.
_NAME_OF_INDEX = re.compile(r"(?i)(unnamed.*|index|instant|level_\d+|row.*)?$")
_TIME_OF_DAY = re.compile(r"\s*\d{1,3}:[0-5]\d(:[0-5]\d([.,]\d+)?)?(\s?[AaPp]\.?[Mm]\.?)?\s*")
_NAME_OF_ID = re.compile(r"(?i:(^|[_\W])(id|uuid|guid)$)|[a-z](Id|ID)$")
#: So far below or above all others, in their whole range, and so often, a number stands for a gap.
_FARTHEST = 5
_FEWEST_NUMBERS = 10
#: The years 2001 to 2100 in units since 1970.
_UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_FIRST, _LAST = 978_307_200, 4_102_444_800
_FEWEST_MOMENTS = 20
#: So long a range is that of a counter or an amount of money.
_LONGEST = 50 * 365 * 86_400


@dataclass(frozen=True)
class InferredColumn:
    """One line of the contract: the type, its parameters, and a comment that says why."""

    name: str
    type: str
    observation: Observation
    comment: str
    parameters: Mapping[str, Any]

    doubt: str = ""
    """What else it may be, for people to decide."""
    is_running: bool = False
    """Whether it numbers the rows, which its values show and not its name."""

    @property
    def is_index(self) -> bool:
        """Whether it numbers the rows of this one file, and another file's rows alike."""
        return self.is_running and _NAME_OF_INDEX.match(self.name.strip()) is not None

    @property
    def without_order(self) -> InferredColumn:
        """The column as if it did not number the rows."""
        return _number(self.name, self.observation) if self.is_running else self

    @property
    def labels(self) -> tuple[str, ...]:
        return labels(self.observation)

    @property
    def is_unique(self) -> bool:
        """Whether (nearly) every row has a value of its own."""
        return (
            10 * self.observation.distinct >= 9 * self.observation.known or not self.observation.is_complete
        )

    @property
    def has_several_words(self) -> bool:
        """Whether its names have two words or more on average."""
        return self.observation.words >= _SEVERAL * self.observation.sorts[Sort.NAME] > 0

    def missing(self, rows: int) -> int:
        """How many rows have no value; spaces are no number."""
        blank = self.observation.sorts[Sort.BLANK] if self.type == "number" else 0
        return rows - self.observation.known + blank


@dataclass(frozen=True)
class LeftOut:
    """A column that the spec does not mention, and why."""

    name: str
    reason: str


def infer(name: str, observation: Observation, rows: int) -> InferredColumn | LeftOut:
    """The column's line, or why it has none."""
    reason = _several_types(observation) or _useless(name, observation)
    found = LeftOut(name, reason) if reason else _typed(name, observation, rows)
    note = observation.note or _note(observation)
    if isinstance(found, InferredColumn) and note:
        comment = f"{found.comment}; {note}" if found.comment else note
        return replace(found, comment=comment)
    return found


def _note(observation: Observation) -> str:
    """That hours and minutes, which come one after another, are read as mere names."""
    values = observation.values
    if observation.found != {Sort.NAME} or not all(_TIME_OF_DAY.fullmatch(str(value)) for value in values):
        return ""
    example = shown(next(iter(values)))
    return f"times such as {example} are read as names, without order: write minutes as a number instead"


def _useless(name: str, observation: Observation) -> str:
    """Why nothing can be learned from the column, or ""."""
    sorts = observation.found
    if observation.fault:
        return observation.fault
    if len(name) > _LONGEST_NAME or not name.strip() or not name.isprintable():
        return "rename it: a name is short and has characters that can be seen"
    if not sorts - {Sort.BLANK}:
        return "it is empty"
    if sorts & {Sort.LIST, Sort.OTHER} and sorts != {Sort.LIST}:
        return _no_values(observation)
    if observation.distinct == 1 and observation.is_complete:
        return f"it is always {shown(next(iter(observation.values)))}"
    return ""


def _no_values(observation: Observation) -> str:
    if observation.types <= {int, float}:
        return "it holds infinity, or numbers beyond 1.8e308: make them missing values"
    kinds = ", ".join(sorted(_KINDS_WITHOUT_FORM.get(kind, "structures") for kind in observation.types))
    return f"it holds {kinds}"


def _typed(name: str, observation: Observation, rows: int) -> InferredColumn | LeftOut:
    sorts = observation.found
    if not _is_named_id(name) and is_running(observation, rows):
        comment = (
            f"numbers the rows, {observation.smallest:,.0f} to {observation.largest:,.0f}; never a feature"
        )
        return InferredColumn(name, "id", observation, comment, {}, is_running=True)
    if sorts == {Sort.LIST}:
        return _lists(name, observation)
    if _is_id(name, observation):
        return _id(name, observation)
    if sorts <= {Sort.NUMBER, Sort.BLANK} and not _is_named_id(name) and not _is_too_long(observation):
        return _number(name, observation)
    if sorts == {Sort.TIME}:
        return InferredColumn(
            name, "time", observation, f"such as {shown(next(iter(observation.values)))}", {}
        )
    return _text(name, observation) or _category(name, observation)


def _several_types(observation: Observation) -> str:
    """Values of several types make no column, unless one of them is text, which the others become."""
    types = observation.types
    kinds = {"number" if kind in (int, float) else _KINDS_OF_JSON.get(kind, "text") for kind in types}
    if len(kinds) > 1 and ("text" not in kinds or kinds & {"list", "object"}):
        return f"it holds values of several types: {', '.join(sorted(kinds))}"
    return ""


def _is_too_long(observation: Observation) -> bool:
    """Whether whole numbers have more digits than a float64 keeps: they name something."""
    values = observation.values
    if max(-observation.smallest, observation.largest) <= _EXACT_INTEGERS:
        return False
    is_whole = float not in observation.types and all(
        str(value).strip().lstrip("+-").isdigit() for value in values
    )
    return is_whole and any(int(float(value)) != int(value) for value in values)


def _is_named_id(name: str) -> bool:
    return _NAME_OF_ID.search(name) is not None


def _is_id(name: str, observation: Observation) -> bool:
    is_unique = observation.is_complete and observation.distinct == observation.known
    if _is_named_id(name):
        return observation.distinct > _MOST_CATEGORIES_NAMED_ID or is_unique
    is_nearly = observation.is_complete and observation.distinct >= _NEARLY_UNIQUE * observation.known
    is_many = is_nearly and observation.known >= _FEWEST_NEARLY_UNIQUE
    return ((is_unique and observation.known >= _FEWEST_UNIQUE) or is_many) and _holds_codes(observation)


def _holds_codes(observation: Observation) -> bool:
    """Whether the values are single words, codes or numbers in parts, such as those of telephones."""
    sorts = observation.found
    if not sorts <= {Sort.NAME, Sort.CODE, Sort.NUMBER}:
        return False
    if sorts == {Sort.NUMBER}:
        return _is_too_long(observation)
    plain = observation.sorts[Sort.NUMBER]
    is_mixed = plain and not observation.sorts[Sort.CODE] and 2 * plain > observation.known
    if is_mixed:
        return False
    has_no_letters = not any(map(str.isalpha, "".join(map(str, observation.values))))
    return observation.words <= observation.known or has_no_letters


def _id(name: str, observation: Observation) -> InferredColumn:
    repeats = observation.is_complete and observation.distinct < observation.known
    comment = f"{observation.distinct:,} different ones" if repeats else "different in every row"
    return InferredColumn(name, "id", observation, f"{comment}; never a feature", {})


def _number(name: str, observation: Observation) -> InferredColumn:
    parameters = {"min": 0} if observation.smallest >= 0 else {}
    doubt = _doubt_of_number(observation)
    comment = f"{observation.smallest:g} … {observation.largest:g}" + (f"; {doubt}" if doubt else "")
    return InferredColumn(name, "number", observation, comment, parameters, doubt)


def _lists(name: str, observation: Observation) -> InferredColumn | LeftOut:
    """An image where each list could be a square, else a series."""
    least, most = min(observation.lengths), max(observation.lengths)
    if least < 0:
        return LeftOut(name, "its lists hold something else than numbers")
    if not least:
        return LeftOut(name, "some of its lists are empty: make them missing values")
    for channels in (1, 3):
        side = math.isqrt(most // channels)
        if least == most == channels * side * side and most >= _SMALLEST_IMAGE:
            comment = "channels, height, width: guessed from the count of numbers"
            return InferredColumn(name, "image", observation, comment, {"shape": [channels, side, side]})
    comment = f"{least:,} to {most:,} numbers" if least < most else "as many numbers in each row"
    return InferredColumn(name, "series", observation, comment, {"length": most})


def _text(name: str, observation: Observation) -> InferredColumn | None:
    names = observation.sorts[Sort.NAME]
    is_varied = observation.distinct > _MOST_LISTED
    if not is_varied or observation.words < _WORDS_OF_TEXT * names or 2 * names < observation.known:
        return None
    return InferredColumn(name, "text", observation, f"about {observation.words / names:.0f} words each", {})


def _category(name: str, observation: Observation) -> InferredColumn:
    """A category, whose values are listed where they are few and none is a rarity."""
    often = observation.values.most_common()
    is_closed = observation.is_complete and len(often) <= _MOST_LISTED and often[-1][1] >= _LEAST_OFTEN
    if is_closed and (known := labels(observation)):
        return InferredColumn(name, "category", observation, "", {"values": list(known)})
    examples = ", ".join(shown(value) for value, _ in often[:3])
    count = f"{len(often):,}" if observation.is_complete else f"more than {len(often):,}"
    doubt = _doubt_of_names(observation)
    comment = f"{count} names, mostly {examples}; others are accepted, too" + (f"; {doubt}" if doubt else "")
    return InferredColumn(name, "category", observation, comment, {}, doubt)


def labels(observation: Observation) -> tuple[str, ...]:
    """Every value as the pipeline reads it as a name, sorted; empty where that cannot be determined."""
    types = observation.types
    is_doubtful = float in types and (str in types or observation.largest >= _EXACT_INTEGERS)
    if not observation.is_complete or is_doubtful:
        return ()
    found = [_label(value, is_float=float in types) for value in observation.values]
    return tuple(sorted(found, key=_order))


def _label(value: Any, *, is_float: bool) -> str:
    return str(float(value)) if is_float else str(value)


def _order(label: str) -> tuple[float, str]:
    try:
        number = float(label)
    except ValueError:
        return math.inf, label
    return (number if math.isfinite(number) else math.inf), label


def shown(value: Any) -> str:
    """A value for a comment: on one line, and short."""
    text = str(value)
    return inline(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")


def _doubt_of_number(observation: Observation) -> str:
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
                "stands for a missing value, `missing_as` in `features` makes it one (in csv also `missing`)"
            )
    return ""


def _doubt_of_names(observation: Observation) -> str:
    """Whether most of the names are numbers or dates, and which are not."""
    for sort, kind, message in ((Sort.NUMBER, "number", "numbers"), (Sort.TIME, "time", "dates in ISO 8601")):
        strays = observation.known - observation.sorts[sort]
        limit = 10 if sort is Sort.NUMBER else 1.5
        if 0 < limit * strays <= observation.known and Sort.NAME in observation.examples:
            example = inline(str(observation.examples[Sort.NAME])[:30])
            return (
                f"all but {strays:,} (such as {example}) are {message}: write those alike, or make them "
                f"missing, and the type is `{kind}`"
            )
    return ""
