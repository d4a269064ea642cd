"""The column contract held against real rows: every violation counted and shown, none raised alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy
import polars

from aimass_compiler.conventions import CHAT_ROLES, MOST_PIXELS
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.expression.timestamp_columns import microseconds
from aimass_compiler.pipeline.columns import (
    CategoryColumn,
    ChatColumn,
    Column,
    ImageColumn,
    NumberColumn,
    SeriesColumn,
    TimeColumn,
)
from aimass_compiler.runtime.array_columns import holds_files, typed_chats, typed_images, typed_series
from aimass_compiler.runtime.server.datatypes import widened

_SHOWN = 3
_LONGEST = 40
#: So many values of a category stand in a proposed claim.
_FEW_VALUES = 4
#: Where the value of a column in a row stands, for people.
Place = Callable[[str, int], str]


@dataclass(frozen=True)
class Misfits:
    """Values of a column that its contract does not allow: how many, and where the first of them are."""

    claim: str
    """What they are, of several: `that are not a finite number`."""
    rows: int
    examples: tuple[str, ...]

    @property
    def message(self) -> str:
        """What is reported of them."""
        if self.rows == 1:
            return f"holds 1 value {self.claim.replace('that are ', 'that is ', 1)}"
        return f"holds {self.rows:,} values {self.claim}"

    def and_later(self, others: Misfits) -> Misfits:
        """These, and those of later rows."""
        examples = (self.examples + others.examples)[:_SHOWN]
        return Misfits(self.claim, self.rows + others.rows, examples)


#: By column and, where that can be broken in several ways, by a number.
Found = dict[tuple[str, int], Misfits]


@dataclass(frozen=True)
class Kept:
    """What was found of rows in their types."""

    rows: int
    missing: Mapping[str, int]
    misfits: Found

    def and_later(self, others: Kept) -> Kept:
        """What was found of these rows and of later ones."""
        missing = {name: count + others.missing[name] for name, count in self.missing.items()}
        return Kept(self.rows + others.rows, missing, both(self.misfits, others.misfits))


@dataclass(frozen=True)
class Violation:
    """One way in which a column breaks its contract."""

    column: str
    message: str
    rows: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", …" if self.rows > len(self.examples) else ""
        return f"`{self.column}` {self.message}" + (
            f" ({', '.join(self.examples)}{more})" if self.examples else ""
        )


def both(found: Found, later: Found) -> Found:
    """What was found of some rows and of later ones."""
    joined = dict(found)
    for key, misfits in later.items():
        joined[key] = joined[key].and_later(misfits) if key in joined else misfits
    return joined


def reported(found: Found, columns: Iterable[str]) -> Iterator[Violation]:
    """Misfits as violations, in the order of the columns."""
    order = {name: place for place, name in enumerate(columns)}
    for (name, _), misfits in sorted(found.items(), key=lambda pair: (order[pair[0][0]], pair[0][1])):
        yield Violation(name, misfits.message, misfits.rows, misfits.examples)


def counted(column: str, row: int) -> str:
    """Where a row stands that is only known by its number."""
    del column
    return f"row {row + 1}"


def absent(columns: Iterable[str], present: list[str], known: Iterable[str] = ()) -> Iterator[Violation]:
    """The declared columns that are not present, beside the names that the data is known to have."""
    declared = dict.fromkeys(columns)
    there = set(present)
    others = [name for name in dict.fromkeys((*present, *known)) if name not in declared]
    for name in declared:
        if name not in there:
            hint = did_you_mean(name, others)
            message = "is declared but the data has no such column"
            yield Violation(name, f"{message}; {hint}" if hint else message, 0)


def typed(
    rows: polars.DataFrame, columns: Mapping[str, Column], place: Place = counted
) -> tuple[polars.DataFrame, Found]:
    """The declared columns that are there in their types, and the values that would not go."""
    misfits: Found = {}
    kinds = rows.schema
    declared = {name: column for name, column in columns.items() if name in kinds}
    plain = [name for name, column in declared.items() if _is_plain(kinds[name], column)]
    numbers = _plain_numbers(rows, plain)
    found: dict[str, polars.Series] = {}
    for name, column in declared.items():
        raw = values_of(rows, name)
        series = numbers[name] if name in numbers else _typed(raw, column)
        found[name] = series
        if series.null_count() == raw.null_count():
            continue
        lost = raw.is_not_null() & series.is_null() & ~is_blank(raw)
        if lost.any():
            claim = f"that are not {_wanted(column, raw)}"
            misfits[name, 0] = _misfits(name, raw, lost, claim, place)
    return polars.DataFrame(found), misfits


def _is_plain(kind: polars.DataType, column: Column) -> bool:
    return isinstance(column, NumberColumn) and (kind in (polars.String, polars.Float64) or kind.is_integer())


def _plain_numbers(rows: polars.DataFrame, names: list[str]) -> dict[str, polars.Series]:
    """Columns of numbers, and of texts that are some, all at once: one by one, thousands take long."""
    if not names:
        return {}
    found = rows.select(polars.selectors.by_name(*names))
    text = polars.selectors.string()
    found = found.with_columns(text.as_expr().str.strip_chars().cast(polars.Float64, strict=False))
    numbers = polars.all().cast(polars.Float64)
    found = found.select(polars.when(numbers.is_finite()).then(numbers).name.keep())
    return {column.name: column for column in found.iter_columns()}


def _wanted(column: Column, raw: polars.Series) -> str:
    if isinstance(column, ImageColumn):
        return _wanted_image(column, raw)
    if isinstance(column, SeriesColumn):
        steps = "finite numbers" if column.channels == 1 else f"lists of {column.channels} finite numbers"
        return f"a series: a list of 1 to {column.length:,} {steps}"
    if isinstance(column, ChatColumn):
        return f"a conversation: a list of {{role, content}}, each role one of {', '.join(CHAT_ROLES)}"
    if isinstance(column, NumberColumn):
        return "a finite number"
    if isinstance(column, TimeColumn):
        return "a date or timestamp like 2026-01-31 or 2026-01-31T12:00:00Z"
    return "a plain value"


def _wanted_image(column: ImageColumn, raw: polars.Series) -> str:
    """What an image is in the data; text is mostly a path, which nobody reads."""
    if holds_files(raw.dtype):
        return f"a PNG or JPEG file that can be decoded, of at most {MOST_PIXELS:,} pixels"
    shape = " x ".join(map(str, column.shape))
    image = f"an image: a list of {math.prod(column.shape)} finite numbers ({shape}: channels, rows, columns)"
    if raw.dtype != polars.String:
        return image
    return f"{image}; paths are not read, so name the folder of the files in a source `image_folder`"


def _typed(raw: polars.Series, column: Column) -> polars.Series:
    if isinstance(column, ImageColumn):
        return typed_images(raw, column.shape)
    if isinstance(column, SeriesColumn):
        return typed_series(raw, column)
    if isinstance(column, ChatColumn):
        return typed_chats(raw, column)
    if raw.dtype.is_nested():
        kind = polars.Float64 if isinstance(column, NumberColumn) else polars.String
        return polars.Series(raw.name, [None] * len(raw), dtype=kind)
    if isinstance(column, NumberColumn):
        is_narrow = raw.dtype in (polars.Float16, polars.Float32)
        numbers = _widened(raw) if is_narrow else raw.cast(polars.Float64, strict=False)
        return numbers.set(~numbers.is_finite(), None)
    text = _as_text(raw)
    if isinstance(column, TimeColumn):
        text = text.set(microseconds(text).is_null(), None)
    return text.set(text == "", None)


def written(kind: polars.DataType) -> str:
    """How the data writes a column, where the server has to know: a `flag`, `integer`, `float` or `text`, or
    a `file` of an image."""
    if holds_files(kind):
        return "file"
    if kind == polars.Boolean:
        return "flag"
    if kind.is_integer():
        return "integer"
    if kind.is_float():
        return "float"
    return "text" if kind == polars.String else ""


def _widened(raw: polars.Series) -> polars.Series:
    """As the server reads them, which takes a float32 for the decimal that was rounded to it."""
    found = polars.Series(raw.name, widened(raw.fill_null(numpy.nan).to_numpy()))
    return found.set(raw.is_null(), None)


def _as_text(raw: polars.Series) -> polars.Series:
    if raw.dtype == polars.Binary:
        return raw.cast(polars.String, strict=False)
    if isinstance(raw.dtype, polars.Datetime):
        return raw.dt.to_string("iso:strict")
    return raw.cast(polars.String)


def is_blank(raw: polars.Series) -> polars.Series:
    """Where a missing value is written in another way than null."""
    if raw.dtype == polars.String:
        return raw.str.strip_chars() == ""
    if raw.dtype.is_float():
        return raw.is_nan().fill_null(value=False)
    return polars.repeat(value=False, n=len(raw), dtype=polars.Boolean, eager=True)


def kept(rows: polars.DataFrame, columns: Mapping[str, Column], place: Place = counted) -> Kept:
    """The missing values of typed rows, and those that are beyond what the columns declare."""
    nulls = rows.null_count().row(0, named=True)
    there = {name: column for name, column in columns.items() if name in nulls}
    outside = _outside(rows, there)
    found: Found = {}
    for name, column in there.items():
        series = values_of(rows, name)
        if isinstance(column, NumberColumn) and name in outside:
            found |= _bounds(name, series, column, place)
        if isinstance(column, CategoryColumn) and column.values is not None:
            unknown = series.is_not_null() & ~series.is_in(list(column.values))
            if unknown.any():
                hint = _other_names(name, series, unknown, column)
                message = f"that are none of {', '.join(column.values)}{hint}"
                found[name, 0] = _misfits(name, series, unknown, message, place)
    return Kept(rows.height, {name: nulls[name] for name in there}, found)


def _other_names(name: str, series: polars.Series, unknown: polars.Series, column: CategoryColumn) -> str:
    """How rows of names that are not declared are left out, or the names where there are no others."""
    values = column.values or ()
    found = series.filter(unknown).unique().sort().head(_FEW_VALUES + 1).to_list()
    if int(unknown.sum()) == len(series.drop_nulls()) and len(found) <= _FEW_VALUES:
        return f"; the data has {json.dumps(found, ensure_ascii=False)}: declare those as `values`"
    claim = " or ".join(f"{_in_formula(name)} == {_text(value)}" for value in values)
    return _hint(name, claim if len(values) <= _FEW_VALUES else "", column)


def broken(
    found: Kept, columns: Mapping[str, Column], targets: Sequence[str], lost: Found
) -> Iterator[Violation]:
    """The ways in which typed rows break what the columns declare.

    `lost` are values that would not go into their column's type, which are missing now and reported already.
    """
    others: dict[str, list[Violation]] = {}
    for violation in reported(found.misfits, columns):
        others.setdefault(violation.column, []).append(violation)
    for name, count in found.missing.items():
        missing = max(0, count - (lost[name, 0].rows if (name, 0) in lost else 0))
        is_target = name in targets
        allowed = 0.0 if is_target else columns[name].missing
        if found.rows and missing / found.rows > allowed:
            share = missing / found.rows
            yield Violation(
                name, _missing_message(name, missing, share, allowed, is_target=is_target), missing
            )
        yield from others.get(name, ())


def _hint(name: str, claim: str, column: Column) -> str:
    """How the rows that break a claim are left out."""
    if not claim:
        return ""
    claim += f" or missing({_in_formula(name)})" if column.missing else ""
    return f"; drop the rows with `clean: [keep: {json.dumps(claim, ensure_ascii=False)}]`"


def _in_formula(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


def _text(value: str) -> str:
    return f"'{value}'" if "'" not in value else json.dumps(value, ensure_ascii=False)


def _missing_message(name: str, count: int, share: float, allowed: float, *, is_target: bool) -> str:
    if share == 1:
        return "has no value in any row; look at it in the source, or take it out of `data.columns`"
    rows = "1 row" if count == 1 else f"{count:,} rows"
    hint = f"drop the rows with `clean: [drop_missing: {json.dumps(name, ensure_ascii=False)}]`"
    if not is_target:
        hint = f"allow it with `missing: {math.ceil(share * 1000) / 1000:g}`, or {hint}"
    return f"is missing in {rows} ({share:.1%}), but at most {allowed:.1%} may be; {hint}"


def _outside(rows: polars.DataFrame, columns: Mapping[str, Column]) -> set[str]:
    """The columns of numbers that go beyond their bounds, all looked at at once."""
    bounded = {name: column for name, column in columns.items() if isinstance(column, NumberColumn)}
    if not bounded or rows.is_empty():
        return set()
    numbers = polars.selectors.by_name(*bounded)
    least, most = rows.select(numbers.min()).row(0, named=True), rows.select(numbers.max()).row(0, named=True)
    return {
        name
        for name, column in bounded.items()
        if least[name] is not None
        and (
            (column.min is not None and least[name] < column.min)
            or (column.max is not None and most[name] > column.max)
        )
    }


def _bounds(name: str, series: polars.Series, column: NumberColumn, place: Place) -> Found:
    found: Found = {}
    for number, (bound, outside, word, sign) in enumerate(
        (
            (column.min, series < column.min if column.min is not None else None, "below the minimum", ">="),
            (column.max, series > column.max if column.max is not None else None, "above the maximum", "<="),
        )
    ):
        if outside is not None and outside.any():
            claim = f"{_in_formula(name)} {sign} {bound:g}"
            message = f"{word} {bound:g}{_hint(name, claim, column)}"
            found[name, number] = _misfits(name, series, outside, message, place)
    return found


def _misfits(name: str, series: polars.Series, where: polars.Series, claim: str, place: Place) -> Misfits:
    found = where.fill_null(value=False).arg_true().head(_SHOWN).to_list()
    is_file = holds_files(series.dtype)
    examples = tuple(place(name, row) + ("" if is_file else f": {_shown(series[row])}") for row in found)
    return Misfits(claim, int(where.sum()), examples)


def _shown(value: object) -> str:
    text = str(value.to_list() if isinstance(value, polars.Series) else value)
    if isinstance(value, float) and value.is_integer() and "e" not in text:
        text = text.removesuffix(".0")  # a whole number was mostly written as one
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
