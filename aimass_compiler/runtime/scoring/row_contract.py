"""Rows of a table held to a package's contract one by one: what is predicted, and why the others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars
from msgspec import Struct

from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import (
    CategoryColumn,
    ImageColumn,
    NumberColumn,
    SeriesColumn,
    TextColumn,
    TimeColumn,
)
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.server.contract import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.runtime.server.model_signature import Field, Signature

#: Beside the rows that are not predicted: over which column, and why.
COLUMN, REASON = "_column", "_reason"
#: Characters of a value that a reason shows.
_LONGEST = 40
_SERIES = "series"

_COLUMNS: Mapping[str, Callable[[Field], Column]] = {
    "number": lambda field: NumberColumn(type="number", min=field.minimum, max=field.maximum),
    "category": lambda field: CategoryColumn(type="category", values=field.values),
    "text": lambda _: TextColumn(type="text"),
    "time": lambda _: TimeColumn(type="time"),
    "image": lambda field: ImageColumn(type="image", shape=field.shape),
}


_NOUNS = {"number": "a finite number", "time": "a date or time such as 2026-01-31T12:00:00Z"}


class SortedRows(Struct, frozen=True):
    """Rows of a block, told apart."""

    accepted: polars.DataFrame
    """Those that the contract accepts, their columns in the types of the contract."""
    places: polars.Series
    """The place of each of them in the block."""
    refused: polars.DataFrame
    """The place of each of the others, the column, and the reason."""


def column_of(field: Field) -> Column:
    """What a field of a package is as a column of data."""
    if field.type in _COLUMNS:
        return _COLUMNS[field.type](field)
    length, *channels = field.shape
    return SeriesColumn(type="series", length=length, channels=channels[0] if channels else 1)


def require_columns(signature: Signature, names: Sequence[str]) -> list[str]:
    """The columns that a table lacks and that rows may lack.

    Raises StageFailure where it lacks one that requests must have, or all.
    """
    lacking = [field for field in signature.fields if field.name not in names]
    needed = [field.name for field in lacking if not field.nullable]
    if len(lacking) == len(signature.fields):
        needed = [field.name for field in lacking]
    if needed:
        others = {*names}.difference(field.name for field in signature.fields)
        hints = (did_you_mean(name, others) for name in needed)
        shown = ", ".join(f"`{name}`" for name in needed)
        raise StageFailure(
            ExitCode.DATA,
            f"the table has no column {shown}, which the model needs",
            next((hint for hint in hints if hint), f"it has {', '.join(names)}"),
        )
    return [field.name for field in lacking]


def sorted_rows(block: polars.DataFrame, signature: Signature) -> SortedRows:
    """The rows that the contract accepts, and the others with the first reason of each."""
    fields = signature.fields
    raw = polars.DataFrame({field.name: _raw(block, field) for field in fields})
    typed, _ = contract.typed(raw, {field.name: column_of(field) for field in fields})
    reasons = polars.Series(REASON, [None] * block.height, dtype=polars.String)
    columns = polars.Series(COLUMN, [None] * block.height, dtype=polars.String)
    for field in fields:
        for broken, reason in _broken(field, values_of(raw, field.name), values_of(typed, field.name)):
            new = broken.fill_null(value=False) & reasons.is_null()
            if new.any():
                reasons = reasons.zip_with(~new, reason)
                columns = columns.zip_with(~new, polars.repeat(field.name, block.height, eager=True))
    is_accepted = reasons.is_null()
    places = polars.int_range(block.height, eager=True, dtype=polars.UInt32).alias("place")
    refused = polars.DataFrame({"place": places, COLUMN: columns, REASON: reasons}).filter(~is_accepted)
    return SortedRows(typed.filter(is_accepted), places.filter(is_accepted), refused)


def refused_for(places: polars.Series, reason: str) -> polars.DataFrame:
    """Rows at these places of a block that are refused for no column of theirs alone."""
    columns = {COLUMN: polars.lit(""), REASON: polars.lit(reason)}
    return polars.DataFrame({"place": places}).with_columns(**columns)


def _raw(block: polars.DataFrame, field: Field) -> polars.Series:
    """A column as the table has it; nothing where it is missing or marked as missing."""
    if field.name not in block.columns:
        return polars.Series(field.name, [None] * block.height, dtype=polars.String)
    found = block.get_column(field.name)
    if field.marks and found.dtype == polars.String:
        return found.set(found.is_in(sorted(field.marks)), None)
    return found


def _broken(
    field: Field, raw: polars.Series, typed: polars.Series
) -> Iterator[tuple[polars.Series, polars.Series]]:
    """The rows that break what a field declares, with the reason of each."""
    is_blank = raw.str.strip_chars() == "" if raw.dtype == polars.String else raw.is_null() | _is_nan(raw)
    lost = typed.is_null() & ~is_blank.fill_null(value=True)
    yield lost, _told(raw, f"must be {_noun(field)}, not ")
    if not field.nullable:
        yield typed.is_null(), polars.repeat(MISSING, len(raw), dtype=polars.String, eager=True)
    if field.shape and field.type != _SERIES:
        numbers = typed.cast(polars.List(polars.Float32), strict=False)
        yield numbers.list.eval(polars.element().is_nan()).list.any(), _told(raw, "must be whole, not ")
    elif field.minimum is not None or field.maximum is not None:
        low, high = field.minimum, field.maximum
        if low is not None:
            yield typed < low, _told(raw, f"must be at least {low:g}, not ")
        if high is not None:
            yield typed > high, _told(raw, f"must be at most {high:g}, not ")
    if field.values is not None:
        unknown = typed.is_not_null() & ~typed.is_in(list(field.values))
        yield unknown, _told(raw, "must be one of the names that were declared, not ")


def _is_nan(raw: polars.Series) -> polars.Series:
    if raw.dtype.is_float():
        return raw.is_nan()
    return polars.repeat(value=False, n=len(raw), dtype=polars.Boolean, eager=True)


def _noun(field: Field) -> str:
    return _NOUNS.get(field.type, "a plain text" if not field.shape else f"of the shape {field.shape}")


def _told(raw: polars.Series, begin: str) -> polars.Series:
    """A sentence a row that ends with its value, cut where that is long."""
    if raw.dtype.is_nested() or raw.dtype == polars.Binary:
        return polars.repeat(f"{begin}what it is", len(raw), dtype=polars.String, eager=True)
    shown: Any = raw.cast(polars.String, strict=False).fill_null("nothing").str.slice(0, _LONGEST)
    found: polars.Series = (begin + "`" + shown + "`").alias(REASON)
    return found
