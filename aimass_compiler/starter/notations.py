"""How the columns of a table of texts write numbers, dates and missing values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.sources import _notation
from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.starter.missing_marks import (
    mark_notes,
    marks_beside_categories,
    sentinels,
    without_marks,
)
from aimass_compiler.starter.profile import CODE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars

_DECIMALS = (".", ",")
#: The last ones are spaces that do not break, and thin ones.
_THOUSANDS = (",", ".", " ", "'", "’", "_", "\u00a0", "\u202f", "\u2009", "\u2007")
_NOTATIONS = ((".", ""), (",", ""), *((d, t) for d in _DECIMALS for t in _THOUSANDS if d != t))
_CURRENCIES = (
    *("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₪", "R$", "US$", "C$", "A$", "kr", "zł", "Kč", "Ft"),
    *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "INR", "CNY", "BRL", "SEK", "NOK", "DKK", "PLN"),
)
_SIGNS = ("%", *_CURRENCIES)
_DAYS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%y"),
    *("%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d/%b/%Y", "%a, %d %b %Y", "%Y%m%d", "%Y-%m-%d", "%d. %m. %Y"),
)
_HOURS = (
    *("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", ", %H:%M", ", %H:%M:%S", " %I:%M %p"),
    *(" %I:%M:%S %p", ", %I:%M:%S %p", ":%H:%M:%S %z", " %H:%M:%S %z"),
)
_SAMPLED = 500
_COMPACT = "%Y%m%d"
#: So many different days in this form are no coincidence.
_COMPACT_DATE = r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$"
_FEWEST_DAYS = 10
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


@dataclass
class Notations:
    """What the columns need said, by name; what is not there is written plainly."""

    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    signs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What stands before decimals and between thousands."""
    dates: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """What could be meant otherwise, or is to be known, for people."""


@dataclass(frozen=True)
class _Numbers:
    """A column whose values are numbers in one or several notations, once signs and marks are away."""

    name: str
    fitting: tuple[tuple[str, str], ...]
    marks: tuple[str, ...]
    signs: tuple[str, ...]
    values: polars.Series


def observe_notations(frame: polars.DataFrame, separator: str) -> Notations:
    """The notations of all columns, each by its values and, where these leave it open, by the others."""
    import polars

    found = Notations()
    numbers, dated = [], []
    odd = _not_plain(frame)
    for column in frame.select(polars.selectors.by_name(*odd)).iter_columns() if odd else ():
        values = column.drop_nulls().unique(maintain_order=True).str.strip_chars()
        values = values.filter(values != "")
        if values.is_empty():
            continue
        is_compact = len(values) >= _FEWEST_DAYS and values.str.contains(_COMPACT_DATE).all()
        if not is_compact and (seen := _as_numbers(column.name, values)) is not None:
            numbers.append(seen)
        elif (dates := _as_dates(column.name, values)) is not None:
            dated.append(dates)
        elif marks := marks_beside_categories(values):
            _add_missing(found, column.name, marks)
    _settle_numbers(numbers, separator, found)
    _settle_dates(dated, found)
    others = set(odd).difference(column.name for column in numbers)
    for name, texts in sentinels(frame.drop(others)).items():
        _add_missing(found, name, texts)
    return found


def _add_missing(found: Notations, name: str, marks: tuple[str, ...]) -> None:
    """What is missing by a judgement that people may see otherwise, with a note."""
    found.missing[name] = (*found.missing.get(name, ()), *marks)
    shown = " and ".join(f"`{mark}`" for mark in marks)
    found.notes.setdefault(name, f"{shown} {'is' if len(marks) == 1 else 'are'} read as missing")


def _not_plain(frame: polars.DataFrame) -> list[str]:
    """The columns that hold more than plain numbers, or numbers whose points may stand between thousands."""
    import polars

    cell = polars.all().str.strip_chars()
    number = cell.cast(polars.Float64, strict=False).is_finite().fill_null(value=False)
    plain = frame.select((number | (cell == "") | cell.is_null()).all())
    pointed = cell.str.contains(".", literal=True)
    grouped = cell.str.contains(r"^[-+]?[1-9][0-9]{0,2}(\.[0-9]{3})+$")
    thousands = frame.select((~pointed | grouped).all() & pointed.any())
    compact = frame.select((cell.str.contains(_COMPACT_DATE) | (cell == "") | cell.is_null()).all())
    return [name for name in frame.columns if not plain[name][0] or thousands[name][0] or compact[name][0]]


def _is_plain(values: polars.Series) -> bool:
    import polars

    return values.cast(polars.Float64, strict=False).is_finite().fill_null(value=False).all()


def _as_numbers(name: str, values: polars.Series) -> _Numbers | None:
    others, marks = without_marks(values)
    if others.is_empty() or not others.str.contains("[0-9]").all():
        return None
    if others.str.contains(CODE_PATTERN).any():  # such as 0042, which as numbers would lose zeros
        return None
    signs = tuple(_signs(others))
    bare = _notation.unsigned(others, signs)
    fitting = tuple(
        notation for notation in _NOTATIONS if bare.str.contains(_notation.number_pattern(*notation)).all()
    )
    if not fitting:
        return None
    return _Numbers(name, fitting, marks, signs, bare)


def _signs(values: polars.Series) -> Iterator[str]:
    """The signs of all values, or of all but those that are plain."""
    for minus in _notation.MINUSES:
        if values.str.contains(minus, literal=True).any():
            yield minus
            values = values.str.replace_all(minus, "-", literal=True)
    ends = values.str.extract(r"^[-+(]*\s*([^-+0-9.,()\s]+)").fill_null("")
    tails = values.str.extract(r"([^0-9.,()\s]+)\)?$").fill_null("")
    for sign in _SIGNS:
        if (ends == sign).any() or (tails == sign).any():
            yield sign
    if (unit := _unit(tails)) not in _SIGNS:
        yield unit
    if values.str.contains(r"^\(.*\)$").any():
        yield _notation.PARENTHESES


def _unit(tails: polars.Series) -> str:
    """What stands behind every number, such as `kg`; a currency's sign where nothing does."""
    first = str(tails[0])
    is_unit = len(tails) > 1 and first.strip("°µ²³/").isalpha() and (tails == first).all()
    return first if is_unit else _SIGNS[0]


def _settle_numbers(columns: Sequence[_Numbers], separator: str, found: Notations) -> None:
    """One notation for the file where one fits, and for columns that it does not fit one of their own."""
    if not columns:
        return
    fits = Counter(notation for column in columns for notation in column.fitting)
    order = _preferred(separator)
    usual = max(order, key=lambda notation: (fits[notation], -order.index(notation)))
    for column in columns:
        likely = (usual, *(n for n in order if n[0] == usual[0]), *order)
        chosen = next(notation for notation in likely if notation in column.fitting)
        if chosen != (".", ""):
            found.numbers[column.name] = chosen
        if column.marks:
            found.missing[column.name] = column.marks
        if column.signs:
            found.signs[column.name] = column.signs
        notes = [_number_note(column, chosen, separator), *mark_notes(column.marks)]
        if any(notes):
            found.notes[column.name] = "; ".join(filter(None, notes))


def _preferred(separator: str) -> tuple[tuple[str, str], ...]:
    """Where a comma stands between values, one within them stands between thousands; else before decimals."""
    first = ((".", ""), (".", ","), (",", "")) if separator == "," else ((".", ""), (",", ""), (",", "."))
    return (*first, *(notation for notation in _NOTATIONS if notation not in first))


def _number_note(column: _Numbers, chosen: tuple[str, str], separator: str) -> str:
    example = column.values[0]
    away = [sign for sign in column.signs if sign not in _notation.MINUSES]
    if away:
        shown = " and ".join(f"`{sign}`" for sign in away)
        return f"without {shown}" + (", so that `12%` is 12" if "%" in away else "")
    if column.signs:
        return f"`{column.signs[0]}` (U+{ord(column.signs[0]):04X}) is read as minus"
    marked = column.values.filter(column.values.str.contains(chosen[1] or ",", literal=True))
    example = str(marked[0]) if len(marked) else str(example)
    others = [n for n in column.fitting if _plain(example, n) != _plain(example, chosen)]
    if chosen == (".", "") and separator == ",":
        return ""
    if not others:
        return f"`{example}` is {_plain(example, chosen)}" if chosen[1] else ""
    return f"`{example}` is read as {_plain(example, chosen)}, not as {_plain(example, others[0])}"


def _plain(text: str, notation: tuple[str, str]) -> str:
    decimal, thousands = notation
    bare = text.replace(thousands, "") if thousands else text
    return bare.replace(decimal, ".")


@dataclass(frozen=True)
class _Dates:
    name: str
    formats: tuple[str, ...]
    marks: tuple[str, ...]
    example: str


def _as_dates(name: str, values: polars.Series) -> _Dates | None:
    others, marks = without_marks(values)
    if others.is_empty() or not others.str.contains(r"[0-9].*[0-9]").all():
        return None
    is_iso = others.str.contains("^[0-9]{4}-").all()
    if is_iso and microseconds(others.head(_SAMPLED)).is_not_null().all():
        return _Dates(name, (), marks, "") if marks and microseconds(others).is_not_null().all() else None
    sampled = others.head(_SAMPLED)
    likely = [pattern for pattern in _formats(str(sampled[0])) if _fits(sampled, pattern)]
    formats = tuple(pattern for pattern in likely if _fits(others, pattern))
    return _Dates(name, formats, marks, str(others[0])) if formats else None


def _formats(example: str) -> Iterator[str]:
    """The formats that the first value fits: cheap to ask, and mostly one or two."""
    import polars

    one = polars.Series([example])
    for day in _DAYS:
        for hour in _HOURS:
            if _fits(one, day + hour):
                yield day + hour


def _fits(values: polars.Series, pattern: str) -> bool:
    """Whether all values are dates of the format, between sensible years, with as many digits as it has."""
    if not values.str.contains(_digits(pattern)).all():
        return False
    moments = _notation.iso_moments(values, pattern)
    if moments.null_count():
        return False
    years = moments.str.slice(0, 4)
    return bool(((years >= str(_FIRST_YEAR)) & (years <= str(_LAST_YEAR))).all())


def _digits(pattern: str) -> str:
    """A regular expression by which `%y` is not taken for `%Y`."""
    known = {"Y": "[0-9]{4}", "y": "[0-9]{2}", "f": "[0-9]{1,9}", "z": r"[-+][0-9]{2}:?[0-9]{2}"}
    words = {"b": "[A-Za-z]{3}", "B": "[A-Za-z]{3,}", "a": "[A-Za-z]{3}", "p": "[AaPp][Mm]"}
    parts = re.split(r"%(.)", pattern)
    fixed = pattern == _COMPACT
    digits = "[0-9]{2}" if fixed else "[0-9]{1,2}"
    shown = [
        re.escape(part) if place % 2 == 0 else {**known, **words}.get(part, digits)
        for place, part in enumerate(parts)
    ]
    return "^" + "".join(shown) + "$"


def _settle_dates(columns: Sequence[_Dates], found: Notations) -> None:
    """Day or month first by what the other columns prove, and a note where nothing proves it."""
    proven = [column.formats[0] for column in columns if len(_orders(column.formats)) == 1]
    for column in columns:
        if column.marks:
            found.missing[column.name] = column.marks
        if notes := mark_notes(column.marks):
            found.notes[column.name] = "; ".join(notes)
        if not column.formats:
            continue
        orders = _orders(column.formats)
        chosen = column.formats[0]
        if len(orders) > 1:
            known = {_order(pattern) for pattern in proven}
            by_others = len(known) == 1
            if by_others:
                chosen = next((p for p in column.formats if _order(p) in known), chosen)
            other = next(p for p in column.formats if _order(p) != _order(chosen))
            why = "as in the other columns" if by_others else f"but `{other}` fits all values, too"
            note = f"`{column.example}` is read as `{chosen}`, {why}: see `dates`"
            found.notes[column.name] = "; ".join((note, *mark_notes(column.marks)))
        found.dates[column.name] = chosen


def _orders(formats: Sequence[str]) -> set[str]:
    return {_order(pattern) for pattern in formats}


def _order(pattern: str) -> str:
    """Which of day, month and year comes first, second and third."""
    return "".join(letter.lower() for letter in re.findall("%([dmbBYy])", pattern)).replace("b", "m")


def keys_of(notations: Notations, frame: polars.DataFrame) -> dict[str, Any]:
    """How the `csv` source says it: for the whole file where that breaks no other column."""
    keys = _numbers(notations, frame)
    if notations.signs:
        keys["signs"] = dict(notations.signs)
    if notations.dates:
        keys["dates"] = dict(notations.dates)
    if notations.missing:
        keys["missing"] = _missing(notations, frame)
    return keys


def _numbers(notations: Notations, frame: polars.DataFrame) -> dict[str, Any]:
    """`decimal` and `thousands`: said once where all columns agree and no other column has points."""
    decimals = {name: "," for name, (decimal, _) in notations.numbers.items() if decimal == ","}
    thousands = {name: mark for name, (_, mark) in notations.numbers.items() if mark}
    others = (frame.get_column(name) for name in frame.columns if name not in decimals)
    has_points = any(_is_pointed(column) for column in others)
    alike = len(set(thousands.values())) == 1 and not has_points | (set(thousands) != set(decimals) != set())
    keys: dict[str, Any] = {}
    if decimals:
        keys["decimal"] = decimals if has_points else ","
    if thousands:
        keys["thousands"] = next(iter(thousands.values())) if alike else thousands
    return keys


def _is_pointed(column: polars.Series) -> bool:
    known = column.drop_nulls().str.strip_chars()
    known = known.filter(known != "")
    return bool(known.str.contains(".", literal=True).any()) and _is_plain(known)


def _missing(notations: Notations, frame: polars.DataFrame) -> Any:
    """A list where no other column has one of the marks as a name; else by column."""
    marks = sorted({mark for of_one in notations.missing.values() for mark in of_one})
    others = [name for name in frame.columns if name not in notations.missing]
    if any(frame.get_column(name).is_in(marks).any() for name in others):
        return {name: list(of_one) for name, of_one in notations.missing.items()}
    return ["", *marks]
