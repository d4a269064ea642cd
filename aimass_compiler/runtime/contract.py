"""The column contract held against real rows: every violation counted and shown, none raised alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars

from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.pipeline.columns import CategoryColumn, Column, ImageColumn, NumberColumn

_SHOWN = 3


@dataclass(frozen=True)
class Violation:
    """One way in which a column breaks its contract."""

    column: str
    message: str
    rows: int
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" ({', '.join(self.examples)}{', …' if self.rows > len(self.examples) else ''})" if self.examples else ""
        return f"`{self.column}` {self.message}{shown}"


def absent(columns: Mapping[str, Column], present: list[str]) -> Iterator[Violation]:
    """The declared columns that the data does not have."""
    for name in columns:
        if name not in present:
            unknown = [other for other in present if other not in columns]
            hint = did_you_mean(name, unknown)
            yield Violation(name, "is declared but the data has no such column" + (f"; {hint}" if hint else ""), 0)


def typed(rows: polars.DataFrame, columns: Mapping[str, Column]) -> tuple[polars.DataFrame, list[Violation]]:
    """The declared columns in their types, and the values that would not go."""
    violations: list[Violation] = []
    found: list[polars.Series] = []
    for name, column in columns.items():
        raw = rows[name]
        series = _typed_images(raw, column.shape) if isinstance(column, ImageColumn) else _typed(raw, column)
        lost = raw.is_not_null() & series.is_null() & ~_is_blank(raw)
        if lost.any():
            noun = f"an image of {math.prod(column.shape)} numbers" if isinstance(column, ImageColumn) else "a number"
            violations.append(_violation(name, raw, lost, f"holds {int(lost.sum()):,} values that are not {noun}"))
        found.append(series)
    return polars.DataFrame(found), violations


def _typed(raw: polars.Series, column: Column) -> polars.Series:
    if isinstance(column, NumberColumn):
        text = raw.str.strip_chars() if raw.dtype == polars.String else raw
        return text.cast(polars.Float64, strict=False).fill_nan(None)
    text = raw.cast(polars.String)
    return text.set(text == "", None)


def _typed_images(raw: polars.Series, shape: tuple[int, ...]) -> polars.Series:
    size = math.prod(shape)
    kind = polars.Array(polars.Float32, size)
    if raw.dtype.is_nested() and not isinstance(raw.dtype, polars.Struct):
        lists = raw.cast(polars.List(polars.Float32), strict=False)
        fits = lists.list.len() == size
        return lists.set(~fits, None).cast(kind) if not fits.all() else lists.cast(kind)
    return polars.Series(raw.name, [None] * len(raw), dtype=kind)


def _is_blank(raw: polars.Series) -> polars.Series:
    if raw.dtype == polars.String:
        return raw.str.strip_chars() == ""
    if raw.dtype.is_float():
        return raw.is_nan().fill_null(value=False)
    return polars.repeat(False, len(raw), dtype=polars.Boolean, eager=True)  # noqa: FBT003  # polars' own signature


def kept(rows: polars.DataFrame, columns: Mapping[str, Column], target: str) -> Iterator[Violation]:
    """The ways in which typed rows break what the columns declare."""
    for name, column in columns.items():
        series = rows[name]
        missing = series.is_null()
        share = missing.mean()
        allowed = 0.0 if name == target else column.missing
        if isinstance(share, float) and share > allowed:
            yield Violation(name, _told_missing(int(missing.sum()), share, allowed), int(missing.sum()))
        if isinstance(column, NumberColumn):
            yield from _bounds(name, series, column)
        if isinstance(column, CategoryColumn) and column.values is not None:
            unknown = series.is_not_null() & ~series.is_in(list(column.values))
            if unknown.any():
                told = f"holds {int(unknown.sum()):,} values that are none of {', '.join(column.values)}"
                yield _violation(name, series, unknown, told)


def _told_missing(count: int, share: float, allowed: float) -> str:
    least = math.ceil(share * 1000) / 1000
    way_out = f"allow it with `missing: {least:g}`, or drop the rows with `clean: [drop_missing]`"
    return f"is missing in {count:,} rows ({share:.1%}), but at most {allowed:.1%} may be; {way_out}"


def _bounds(name: str, series: polars.Series, column: NumberColumn) -> Iterator[Violation]:
    for bound, outside, word in (
        (column.min, series < column.min if column.min is not None else None, "below the minimum"),
        (column.max, series > column.max if column.max is not None else None, "above the maximum"),
    ):
        if outside is not None and outside.any():
            yield _violation(name, series, outside, f"holds {int(outside.sum()):,} values {word} {bound:g}")


def _violation(name: str, series: polars.Series, where: polars.Series, message: str) -> Violation:
    places = where.fill_null(value=False).arg_true().head(_SHOWN).to_list()
    examples = tuple(f"row {place + 1}: {str(series[place])[:40]!r}" for place in places)
    return Violation(name, message, int(where.sum()), examples)
