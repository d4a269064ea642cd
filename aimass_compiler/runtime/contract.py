"""The column contract held against real rows: every violation counted and shown, none raised alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy
import polars

from aimass_compiler.catalog.moments import microseconds
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import CategoryColumn, Column, ImageColumn, NumberColumn, TimeColumn
from aimass_compiler.runtime.server.decimals import widened

_SHOWN = 3
_LONGEST = 40
#: So many values of a category stand in a proposed claim.
_FEW_VALUES = 4
_NOTHING_LOST: Mapping[str, int] = {}
#: Where the value of a column in a row stands, for people.
Place = Callable[[str, int], str]


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
) -> tuple[polars.DataFrame, list[Violation]]:
    """The declared columns that are there in their types, and the values that would not go."""
    violations: list[Violation] = []
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
        lost = raw.is_not_null() & series.is_null() & ~_is_blank(raw)
        if lost.any():
            verb = "is" if lost.sum() == 1 else "are"
            message = f"holds {_values(lost)} that {verb} not {_wanted(column, raw)}"
            violations.append(_violation(name, raw, lost, message, place))
    return polars.DataFrame(found), violations


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


def _values(where: polars.Series) -> str:
    count = int(where.sum())
    return "1 value" if count == 1 else f"{count:,} values"


def _wanted(column: Column, raw: polars.Series) -> str:
    if isinstance(column, ImageColumn):
        return _wanted_image(column, raw)
    if isinstance(column, NumberColumn):
        return "a finite number"
    if isinstance(column, TimeColumn):
        return "a date or moment like 2026-01-31 or 2026-01-31T12:00:00Z"
    return "a plain value"


def _wanted_image(column: ImageColumn, raw: polars.Series) -> str:
    """What an image is in the data; text is mostly a path, which nobody reads."""
    shape = " x ".join(map(str, column.shape))
    image = f"an image: a list of {math.prod(column.shape)} finite numbers ({shape}: channels, rows, columns)"
    if raw.dtype != polars.String:
        return image
    return f"{image}; files are not read, so put their pixels into a list column of a parquet or jsonl file"


def _typed(raw: polars.Series, column: Column) -> polars.Series:
    if isinstance(column, ImageColumn):
        return _typed_images(raw, column.shape)
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


def written(raw: polars.Series) -> str:
    """How the data writes a column, where the server has to know: a `flag`, `integer`, `float` or `text`."""
    if raw.dtype == polars.Boolean:
        return "flag"
    if raw.dtype.is_integer():
        return "integer"
    if raw.dtype.is_float():
        return "float"
    return "text" if raw.dtype == polars.String else ""


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


def _typed_images(raw: polars.Series, shape: tuple[int, ...]) -> polars.Series:
    size = math.prod(shape)
    kind = polars.Array(polars.Float32, size)
    if raw.dtype.is_nested() and not isinstance(raw.dtype, polars.Struct):
        lists = raw.cast(polars.List(polars.Float32), strict=False)
        fits = (lists.list.len() == size) & lists.list.eval(polars.element().is_finite()).list.all()
        return lists.set(~fits, None).cast(kind)
    return polars.Series(raw.name, [None] * len(raw), dtype=kind)


def _is_blank(raw: polars.Series) -> polars.Series:
    """Where a missing value is written in another way than null."""
    if raw.dtype == polars.String:
        return raw.str.strip_chars() == ""
    if raw.dtype.is_float():
        return raw.is_nan().fill_null(value=False)
    return polars.repeat(value=False, n=len(raw), dtype=polars.Boolean, eager=True)


def kept(
    rows: polars.DataFrame,
    columns: Mapping[str, Column],
    target: str,
    place: Place = counted,
    lost: Mapping[str, int] = _NOTHING_LOST,
) -> Iterator[Violation]:
    """The ways in which typed rows break what the columns declare.

    `lost` are values that would not go into their column's type, which are missing now and reported already.
    """
    there = set(rows.columns)
    outside = _outside(rows, {name: column for name, column in columns.items() if name in there})
    for name, column in columns.items():
        if name not in there:
            continue
        series = values_of(rows, name)
        missing = max(0, series.null_count() - lost.get(name, 0))
        is_target = name == target
        allowed = 0.0 if is_target else column.missing
        if len(series) and missing / len(series) > allowed:
            share = missing / len(series)
            yield Violation(name, _told_missing(name, missing, share, allowed, is_target=is_target), missing)
        if isinstance(column, NumberColumn) and name in outside:
            yield from _bounds(name, series, column, place)
        if isinstance(column, CategoryColumn) and column.values is not None:
            unknown = series.is_not_null() & ~series.is_in(list(column.values))
            if unknown.any():
                verb = "is" if unknown.sum() == 1 else "are"
                claim = " or ".join(f"{_in_formula(name)} == {_text(value)}" for value in column.values)
                message = f"holds {_values(unknown)} that {verb} none of {', '.join(column.values)}"
                message += _way_out(name, claim if len(column.values) <= _FEW_VALUES else "", column)
                yield _violation(name, series, unknown, message, place)


def _way_out(name: str, claim: str, column: Column) -> str:
    """How the rows that break a claim are left out."""
    if not claim:
        return ""
    claim += f" or missing({_in_formula(name)})" if column.missing else ""
    return f"; drop the rows with `clean: [keep: {json.dumps(claim, ensure_ascii=False)}]`"


def _in_formula(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


def _text(value: str) -> str:
    return f"'{value}'" if "'" not in value else json.dumps(value, ensure_ascii=False)


def _told_missing(name: str, count: int, share: float, allowed: float, *, is_target: bool) -> str:
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


def _bounds(name: str, series: polars.Series, column: NumberColumn, place: Place) -> Iterator[Violation]:
    for bound, outside, word, sign in (
        (column.min, series < column.min if column.min is not None else None, "below the minimum", ">="),
        (column.max, series > column.max if column.max is not None else None, "above the maximum", "<="),
    ):
        if outside is not None and outside.any():
            claim = f"{_in_formula(name)} {sign} {bound:g}"
            message = f"holds {_values(outside)} {word} {bound:g}{_way_out(name, claim, column)}"
            yield _violation(name, series, outside, message, place)


def _violation(
    name: str, series: polars.Series, where: polars.Series, message: str, place: Place
) -> Violation:
    found = where.fill_null(value=False).arg_true().head(_SHOWN).to_list()
    examples = tuple(f"{place(name, row)}: {_shown(series[row])}" for row in found)
    return Violation(name, message, int(where.sum()), examples)


def _shown(value: object) -> str:
    text = str(value.to_list() if isinstance(value, polars.Series) else value)
    if isinstance(value, float) and value.is_integer() and "e" not in text:
        text = text.removesuffix(".0")  # a whole number was mostly written as one
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
