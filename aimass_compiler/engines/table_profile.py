"""What a table holds, seen once block by block: gaps, distributions, values, what predicts the target.

Counts, means and extremes are of all rows. Distinct values are counted exactly up to 4,096 and estimated
beyond (k minimum values, Bar-Yossef et al. 2002, with a standard error of 1.6 %). Quantiles, frequent values
and what goes with the target are those of at most 20,000 rows, evenly apart. Memory holds a block, the sample
and 8 bytes a row, by which rows that are alike are found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aimass_compiler.engines.target_association import associations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars

    from aimass_compiler.engines import Table
    from aimass_compiler.engines.target_association import TargetAssociation

_SKETCH = 4_096
_SAMPLE = 20_000
_HASHES = 2**64
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_FREQUENT = 5
#: Of an identifier nearly every row has another value.
_UNIQUE_SHARE, _FEWEST_UNIQUE = 0.98, 100
#: From which share of the guesser's error a column alone removes it is suspected.
LEAK = 0.98
_GAPS_TELL = 0.5
#: A number that stands for a missing value comes so often, so many times as far from all others as these are
#: from each other, of so many numbers.
_LEAST_OFTEN, _FARTHEST, _FEWEST_NUMBERS = 5, 5, 10
_SPACES_OF_PROSE = 4
_SAME = 0.9999
#: Types whose values may all differ: declared so, a column is no identifier by mistake.
_DECLARED_UNIQUE = frozenset({"id", "text", "time"})


@dataclass(frozen=True)
class ColumnProfile:
    """One column."""

    name: str
    type: str
    """How it is stored: `number`, `flag`, `text`, `time`, `list` or `other`."""
    missing: int
    distinct: int
    is_estimated: bool
    """Whether `distinct` is an estimate."""
    summary: Mapping[str, float]
    """Of numbers: min, max, mean, deviation and quantiles."""
    frequent: tuple[tuple[str, float], ...]
    """The most frequent values of the sample with their shares; none of numbers with many values."""
    association: TargetAssociation | None = None
    declared: str = ""
    """The type that a spec gives it, such as `category`."""


@dataclass(frozen=True)
class SuspectColumn:
    """A column that should not be learned from as it is, or a doubt about it."""

    column: str
    kind: str
    """`leak`, `gaps`, `empty`, `constant`, `marker`, `identifier` or `copy`."""
    reason: str


@dataclass(frozen=True)
class TableProfile:
    """A whole table."""

    rows: int
    duplicates: int
    """Rows that are like an earlier one in every column."""
    sampled: int
    target: str | None
    columns: tuple[ColumnProfile, ...]
    suspects: tuple[SuspectColumn, ...]

    def document(self) -> dict[str, Any]:
        """The profile as JSON."""
        from dataclasses import asdict

        return asdict(self)


@dataclass
class _Seen:
    """What was found of some consecutive rows."""

    rows: int
    missing: dict[str, int]
    moments: dict[str, tuple[int, float, float, float, float]]
    """Of numbers: how many, mean, sum of squared deviations, least and largest."""
    smallest: dict[str, polars.Series]
    """The smallest hashes of each column's values, all different."""
    rows_hashed: list[polars.Series]
    sample: list[polars.DataFrame]


def profile(
    table: Table, target: str | None = None, declared: Mapping[str, str] = MappingProxyType({})
) -> TableProfile:
    """Look at every row once; `declared` are the types of a spec's columns.

    Raises KeyError where there is no such target.
    """
    import polars

    if target is not None and target not in table.schema:
        raise KeyError(target)
    number = max([*table.schema, "row"], key=len) + "#"  # longer than every name, so none of them
    step = max(1, math.ceil(table.height / _SAMPLE))
    seen = table.numbered(number).fold(lambda block: _part(block, number, step), _merged)
    sample = polars.concat(seen.sample, how="vertical_relaxed")
    hashed = seen.rows_hashed  # of no row where all columns are nested
    duplicates = seen.rows - polars.concat(hashed).n_unique() if seen.rows and hashed else 0
    told = {} if target is None else associations(sample, target)
    columns = tuple(
        replace(
            _column(name, table.schema[name], seen, sample),
            association=told.get(name),
            declared=declared.get(name, ""),
        )
        for name in table.schema
    )
    suspects = tuple(_suspects(columns, seen.rows, sample, target))
    return TableProfile(seen.rows, duplicates, sample.height, target, columns, suspects)


def _part(block: polars.DataFrame, number: str, step: int) -> _Seen:
    rows = block.drop(number)
    sample = rows.filter(block.get_column(number) % step == 0)
    moments, missing, smallest = {}, {}, {}
    for column in rows.iter_columns():
        # Under a plain name: polars takes `*` and `^…$` for patterns, in methods of a Series too.
        name, known = column.name, column.alias("value").drop_nulls()
        if known.dtype.is_float():
            known = known.drop_nans()
        missing[name] = len(column) - len(known)
        if known.dtype.is_numeric():
            moments[name] = _moments(known)
        if not known.dtype.is_nested():
            smallest[name] = known.hash(0).unique().sort().head(_SKETCH)
    flat = rows.select(
        each.alias(str(place)) for place, each in enumerate(rows.iter_columns()) if not each.dtype.is_nested()
    )
    hashed = [flat.hash_rows(0)] if flat.width else []
    return _Seen(rows.height, missing, moments, smallest, hashed, [sample])


def _moments(known: polars.Series) -> tuple[int, float, float, float, float]:
    finite = known.cast(float).filter(known.cast(float).is_finite())
    if finite.is_empty():
        return 0, 0.0, 0.0, math.inf, -math.inf
    mean = float(finite.mean())  # type: ignore[arg-type]  # there are numbers
    squares = float(((finite - mean) ** 2).sum())
    return len(finite), mean, squares, float(finite.min()), float(finite.max())  # type: ignore[arg-type]  # as above


def _merged(first: _Seen, later: _Seen) -> _Seen:
    smallest = {
        name: first.smallest[name].append(hashes).unique().sort().head(_SKETCH)
        for name, hashes in later.smallest.items()
    }
    return _Seen(
        first.rows + later.rows,
        {name: count + later.missing[name] for name, count in first.missing.items()},
        {name: _both(each, later.moments[name]) for name, each in first.moments.items()},
        smallest,
        first.rows_hashed + later.rows_hashed,
        first.sample + later.sample,
    )


def _both(
    first: tuple[int, float, float, float, float], later: tuple[int, float, float, float, float]
) -> tuple[int, float, float, float, float]:
    """Moments of both (Chan, Golub and LeVeque 1983)."""
    count = first[0] + later[0]
    if not count:
        return first
    apart = later[1] - first[1]
    mean = first[1] + apart * later[0] / count
    squares = first[2] + later[2] + apart * apart * first[0] * later[0] / count
    return count, mean, squares, min(first[3], later[3]), max(first[4], later[4])


def _column(name: str, type_: polars.DataType, seen: _Seen, sample: polars.DataFrame) -> ColumnProfile:
    hashes = seen.smallest.get(name)
    distinct = 0 if hashes is None else len(hashes)
    is_estimated = distinct == _SKETCH
    if is_estimated and hashes is not None:
        distinct = min(seen.rows - seen.missing[name], round((_SKETCH - 1) / (int(hashes[-1]) / _HASHES)))
    known = sample.get_column(name).alias("value").drop_nulls()
    summary: dict[str, float] = {}
    if name in seen.moments and seen.moments[name][0]:
        count, mean, squares, least, largest = seen.moments[name]
        numbers = known.cast(float)
        numbers = numbers.filter(numbers.is_finite())
        quantiles = {f"p{round(100 * share)}": numbers.quantile(share, "linear") for share in _QUANTILES}
        summary = {"min": least, "max": largest, "mean": mean, "deviation": math.sqrt(squares / count)}
        summary |= {key: float(value) for key, value in quantiles.items() if value is not None}
    frequent: tuple[tuple[str, float], ...] = ()
    if not type_.is_nested() and not (type_.is_float() and distinct > _FREQUENT) and len(known):
        counts = known.value_counts(sort=True).sort(["count", "value"], descending=[True, False])
        frequent = tuple(
            (str(value), count / len(known)) for value, count in counts.head(_FREQUENT).iter_rows()
        )
    return ColumnProfile(name, _kind(type_), seen.missing[name], distinct, is_estimated, summary, frequent)


def _kind(type_: polars.DataType) -> str:
    import polars

    if type_.is_numeric():
        return "number"
    if type_ == polars.Boolean:
        return "flag"
    if type_.is_temporal():
        return "time"
    if type_.is_nested():
        return "list"
    return "text" if type_ in (polars.String, polars.Categorical, polars.Enum) else "other"


def _suspects(
    columns: Sequence[ColumnProfile], rows: int, sample: polars.DataFrame, target: str | None
) -> Iterator[SuspectColumn]:
    """What should be looked at before anything is learned, column by column."""
    copies = dict(_copies(sample, [column.name for column in columns if column.name != target]))
    for column in columns:
        if column.name == target:
            continue
        told, known = column.association, rows - column.missing
        if told is not None and told.alone >= LEAK:
            yield SuspectColumn(
                column.name,
                "leak",
                f"it alone predicts `{target}` nearly always ({told.alone:.1%} of the error of guessing "
                "is gone): is it known before the fact?",
            )
        elif told is not None and told.gaps >= _GAPS_TELL:
            yield SuspectColumn(
                column.name,
                "gaps",
                f"whether it is missing predicts `{target}` ({told.gaps:.0%} of the error of guessing is "
                "gone): is it filled in after the fact?",
            )
        yield from _alone_suspect(column, known, sample.get_column(column.name).alias("value"))
        if column.name in copies:
            yield SuspectColumn(column.name, "copy", f"it says the same as `{copies[column.name]}`")


def _alone_suspect(column: ColumnProfile, known: int, sampled: polars.Series) -> Iterator[SuspectColumn]:
    """What is odd about a column whatever the others hold."""
    if known == 0 and column.missing:
        yield SuspectColumn(column.name, "empty", "it has no value in any row")
    if known > 1 and column.distinct == 1:
        yield SuspectColumn(column.name, "constant", "it has one value in all rows")
    if sampled.dtype.is_numeric() and (marker := _marker(sampled)) is not None:
        value, share = marker
        yield SuspectColumn(
            column.name,
            "marker",
            f"{value:g} comes in {share:.1%} of the rows, far from all others: if it stands for a missing "
            f"value, `missing_as: {{columns: {column.name}, values: [{value:g}]}}` makes it one",
        )
    is_unique = known >= _FEWEST_UNIQUE and column.distinct >= _UNIQUE_SHARE * known
    is_continuous = sampled.dtype.is_float() or sampled.dtype.is_temporal() or sampled.dtype.is_nested()
    is_expected = column.declared in _DECLARED_UNIQUE or is_continuous
    if is_unique and not is_expected and not _is_prose(sampled):
        yield SuspectColumn(
            column.name, "identifier", "nearly every row has another value: declare it as `id`"
        )


def _marker(sampled: polars.Series) -> tuple[float, float] | None:
    """The least or the largest number with its share, where it comes often and far from all others."""
    known = sampled.drop_nulls().cast(float)
    known = known.filter(known.is_finite())
    values = known.unique().sort()
    if len(values) < _FEWEST_NUMBERS:
        return None
    for end, others in ((values[0], values[1:]), (values[-1], values[:-1])):
        count = int((known == end).sum())
        near, width = min(abs(others[0] - end), abs(others[-1] - end)), others[-1] - others[0]
        if count >= _LEAST_OFTEN and near > _FARTHEST * width:
            return float(end), count / len(sampled)
    return None


def _is_prose(sampled: polars.Series) -> bool:
    """Whether texts are of several words: each is another one, and says something all the same."""
    import polars

    if sampled.dtype != polars.String:
        return False
    spaces = sampled.str.count_matches(" ", literal=True).mean()
    return spaces is not None and float(spaces) >= _SPACES_OF_PROSE  # type: ignore[arg-type]  # of numbers


def _copies(sample: polars.DataFrame, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Columns of numbers that an earlier one determines in a straight line, and which."""
    import numpy

    numeric = [name for name in names if sample.schema[name].is_numeric()][:500]
    complete = sample.select(sample.get_column(name).cast(float) for name in numeric).drop_nulls().drop_nans()
    if complete.height <= _FREQUENT or len(numeric) < 2:  # noqa: PLR2004  # a column is no copy of itself
        return
    with numpy.errstate(all="ignore"):
        related = numpy.abs(numpy.corrcoef(complete.to_numpy(), rowvar=False))
    for place, name in enumerate(numeric):
        (like,) = numpy.nonzero(related[place, :place] >= _SAME)
        if len(like):
            yield name, numeric[int(like[0])]
