"""Whether float64, as numbers are kept, and float32, as models read them, distinguish what differs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy
import polars

from aimass_compiler.expression import polars_lowering
from aimass_compiler.expression.algebra import Expression, Pack
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.engines import Table
    from aimass_compiler.pipeline.columns import Column

#: So many rows show whether a feature's numbers fall together, and cost little of a large table.
_ROWS = 200_000
#: Beyond it float64 leaves whole numbers out.
_EXACT = 2**53
_LONG = r"^\s*-?\d{16,}\s*$"
#: Numbers drawn from everywhere meet by chance, too: fewer than this share is not worth a word.
_LOST = 0.01
#: Of the last bit of a float64.
_ROUNDINGS = 1024


class CollapsedValues(NamedTuple):
    """Numbers of a feature that fall together: how many of how many, two of them, and what helps."""

    feature: str
    lost: int
    distinct: int
    pair: tuple[float, float]
    is_kept_by_scaling: bool

    def __str__(self) -> str:
        low, high = (numpy.format_float_positional(value, trim="-") for value in self.pair)
        return (
            f"`{self.feature}` has {self.distinct:,} distinct values in the training rows, of which models "
            f"can distinguish {self.distinct - self.lost:,}: they read float32, in which {low} and {high} "
            "are the same"
        )

    @property
    def hint(self) -> str:
        """What keeps them apart."""
        if self.is_kept_by_scaling:
            return f"scale it with `standardize: {self.feature}`, which subtracts in float64 first"
        return (
            f"subtract what the values share, or bound those far away: `compute` and `clip` work in float64; "
            f"if `{self.feature}` only names something, declare it as `id` or `category`"
        )


def rounded(rows: Table, names: Iterable[str]) -> Iterator[str]:
    """A sentence about each of the columns whose whole numbers, as they were read, do not fit in float64."""
    for name in names:
        whole = rows.column(partial(_whole, name=name)).unique()
        kept = whole.cast(polars.Float64).n_unique()
        if kept < len(whole):
            yield (
                f"`{name}` has {len(whole):,} distinct whole numbers, of which {kept:,} stay distinct: above "
                "9,007,199,254,740,992 a number (float64) is rounded"
            )


def long(rows: polars.DataFrame, columns: Mapping[str, Column]) -> frozenset[str]:
    """The number columns with whole numbers that might be rounded, all looked at at once."""
    names = [name for name in rows.columns if isinstance(columns.get(name), NumberColumn)]
    found = rows.select(polars.selectors.by_name(*names))
    texts = polars.selectors.string().as_expr().str.contains(_LONG).any()
    numbers = polars.selectors.integer().as_expr()
    are = found.select(texts), found.select((numbers.max() > _EXACT) | (numbers.min() < -_EXACT))
    return frozenset(column.name for part in are for column in part.iter_columns() if column.item())


def _whole(rows: polars.DataFrame, name: str) -> polars.Series:
    """The whole numbers of a column; of text, those that have so many digits that they might be rounded."""
    raw = values_of(rows, name)
    if raw.dtype == polars.String:
        raw = raw.filter(raw.str.contains(_LONG)).str.strip_chars().cast(polars.Int64, strict=False)
    return raw.drop_nulls().unique()


def merged(result: Expression, rows: Table) -> Iterator[CollapsedValues]:
    """The number features of a table that lose values when they become float32."""
    if not isinstance(result, Pack):
        return
    parts = [
        (name, part)
        for name, part in zip(result.names, result.parts, strict=True)
        if part.type.dtype.is_float()
    ]
    for name, values in zip(
        (name for name, _ in parts), _computed([part for _, part in parts], rows.head(_ROWS)), strict=True
    ):
        found = _merged(name, values)
        if found is not None:
            yield found


def _computed(parts: Sequence[Expression], rows: polars.DataFrame) -> Iterator[NDArray[numpy.float64]]:
    """The distinct finite values of each expression, ascending."""
    lazy, flat = polars_lowering.flattened(rows.lazy(), parts)
    table = lazy.select(
        polars_lowering.lower(part).alias(str(place)) for place, part in enumerate(flat)
    ).collect()
    for column in table:
        values = column.drop_nulls().to_numpy()
        yield numpy.unique(values[numpy.isfinite(values)])


def _merged(name: str, values: NDArray[numpy.float64]) -> CollapsedValues | None:
    lost = _lost(values)
    if not lost > _LOST * len(values):
        return None
    deviation = values.std()
    scaled = (values - values.mean()) / deviation if deviation > 0 else values
    first = int(numpy.flatnonzero(~_differs(values))[0])
    is_kept = _lost(scaled) < lost / 2
    return CollapsedValues(name, lost, len(values), (float(values[first]), float(values[first + 1])), is_kept)


def _differs(values: NDArray[numpy.float64]) -> NDArray[numpy.bool_]:
    """Whether each of the ascending values but the last differs from the next in float32.

    Fractions that are a rounding apart, as sines of one height are, were never different.
    """
    with numpy.errstate(over="ignore"):
        narrow = values.astype(numpy.float32)
    is_rounding = numpy.diff(values) <= _ROUNDINGS * numpy.spacing(numpy.abs(values[1:]))
    found: NDArray[numpy.bool_] = (narrow[1:] != narrow[:-1]) | (is_rounding & (values[1:] % 1 != 0))
    return found


def _lost(values: NDArray[numpy.float64]) -> int:
    return int((~_differs(values)).sum())
