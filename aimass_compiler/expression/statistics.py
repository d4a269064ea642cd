"""What a transform can learn from the training rows: found in parts, merged in their order, and finished.

Any engine learns the same from the same parts. Of one part, everything is what polars and NumPy answer over
all rows at once; of several, means and variances are combined by Chan, Golub and LeVeque (1983), and
quantiles are exact up to four million values, then within one thousandth of the rows.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.expression.algebra import Expression, columns_of
from aimass_compiler.expression.folds import FOLD
from aimass_compiler.expression.plain_name import named

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.engines import Table
    from aimass_compiler.expression.ranks import Ranks


class Statistic(Struct, frozen=True):
    """Something that is learned of an expression; each kind says how, in four steps.

    `columns` are what one part has to answer of its rows, `part` makes that a state, `merge` joins the
    states of two parts, of which the second comes later, and `finish` is the value.
    """

    of: Expression

    @property
    def reads(self) -> tuple[Expression, ...]:
        """All expressions that it is about: `of`, and what else a kind holds."""
        return tuple(getattr(self, name) for name in self._operands())

    def over(self, expressions: Iterable[Expression]) -> Self:
        """The same of other expressions, in the order of `reads`."""
        return replace(self, **dict(zip(self._operands(), expressions, strict=True)))

    def _operands(self) -> list[str]:
        return [name for name in self.__struct_fields__ if isinstance(getattr(self, name), Expression)]

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        """What is computed of the rows of a part: aggregations, each one value."""
        raise NotImplementedError

    def part(self, found: Sequence[Any]) -> Any:
        """The state of a part, from the values of `columns`."""
        raise NotImplementedError

    def merge(self, state: Any, later: Any) -> Any:
        """The state of both."""
        raise NotImplementedError

    def finish(self, state: Any, task: Task) -> Any:
        """What was learned."""
        raise NotImplementedError


class Moments(Struct, frozen=True):
    """The mean and the standard deviation of so many numbers, their minimum and maximum."""

    count: int
    mean: float = float("nan")
    deviation: float = float("nan")
    minimum: float = float("nan")
    maximum: float = float("nan")

    def and_later(self, others: Moments) -> Moments:
        """Of both."""
        if not self.count or not others.count:
            return self if self.count else others
        count = self.count + others.count
        apart = others.mean - self.mean
        squares = self.deviation**2 * self.count + others.deviation**2 * others.count
        squares += apart * apart * (self.count * others.count / count)
        return Moments(
            count,
            self.mean + apart * (others.count / count),
            (squares / count) ** 0.5,
            min(self.minimum, others.minimum),
            max(self.maximum, others.maximum),
        )


class Summary(Statistic, frozen=True):
    """One number over all rows; missing values do not count. NaN when there is no value at all."""

    name: Literal["mean", "standard_deviation", "median", "minimum", "maximum"]
    channel: int | None = None
    """Of a series, whose numbers these are; None where all count."""

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        import polars

        del target
        flat = values if self.of.type.is_single else values.drop_nulls().explode().fill_nan(None)
        if self.channel is not None:
            flat = flat.gather_every(self.of.type.shape[1], self.channel)
        flat = flat.cast(polars.Float64)
        if self.name == "median":
            return [flat.drop_nulls().implode()]
        return [flat.count(), flat.mean(), flat.std(ddof=0), flat.min(), flat.max()]

    def part(self, found: Sequence[Any]) -> Any:
        from aimass_compiler.expression.ranks import Ranks

        if self.name == "median":
            return Ranks.of(found[0])
        count, *moments = found
        return Moments(count, *moments) if count else Moments(0)

    def merge(self, state: Any, later: Any) -> Any:
        return state.and_later(later)

    def finish(self, state: Any, task: Task) -> float:
        del task
        if self.name == "median":
            return float(state.median())
        if self.name == "standard_deviation":
            # Where all values are one, rounding would leave a tiny one, and scaling by it, noise.
            return 0.0 if state.minimum == state.maximum else float(state.deviation)
        return float(getattr(state, self.name))


class Quantiles(Statistic, frozen=True):
    """The values below which these shares of the rows lie, by linear interpolation."""

    shares: tuple[float, ...]

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        del target
        return [values.drop_nulls().implode()]

    def part(self, found: Sequence[Any]) -> Ranks:
        from aimass_compiler.expression.ranks import Ranks

        return Ranks.of(found[0])

    def merge(self, state: Ranks, later: Ranks) -> Ranks:
        return state.and_later(later)

    def finish(self, state: Ranks, task: Task) -> tuple[float, ...]:
        del task
        return state.quantiles(self.shares)


class Counts(Statistic, frozen=True):
    """How often each value comes up; of many, the most frequent, ties in their order."""

    limit: int | None = None
    least: int = 1
    """How often a value must come up to count."""

    def counted(self, values: polars.Expr) -> polars.Expr:
        """What is counted, one value after the other."""
        return values

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        del target
        counts = self.counted(values).drop_nulls().value_counts(sort=False)
        return [counts.struct.rename_fields(["value", "count"]).implode()]

    def part(self, found: Sequence[Any]) -> polars.DataFrame:
        counts: polars.DataFrame = found[0].struct.unnest()
        return counts

    def merge(self, state: polars.DataFrame, later: polars.DataFrame) -> polars.DataFrame:
        import polars

        both = polars.concat([state, later]).group_by("value", maintain_order=True)
        return both.agg(polars.col("count").sum())

    def finish(self, state: polars.DataFrame, task: Task) -> tuple[Any, ...]:
        del task
        often = (pair for pair in state.rows() if pair[1] >= self.least)
        counted = sorted(often, key=lambda pair: (-pair[1], pair[0]))
        return tuple(value for value, _ in counted[: self.limit])


class MostFrequent(Counts, frozen=True):
    """The most frequent values of a string or number, ties in their order; all when `limit` is None."""


class Frequencies(Counts, frozen=True):
    """The most frequent values with their share of the rows that have one, ties in their order."""

    def finish(self, state: polars.DataFrame, task: Task) -> tuple[tuple[Any, float], ...]:
        total = sum(state.get_column("count"))
        counts = dict(state.rows())
        return tuple((value, counts[value] / total) for value in super().finish(state, task))


class FrequentTerms(Counts, frozen=True, kw_only=True):
    """The sequences of at most `longest` words that occur in the most rows, ties in alphabetical order."""

    longest: int

    def counted(self, values: polars.Expr) -> polars.Expr:
        import polars

        from aimass_compiler.expression.polars_lowering import sequences

        runs = [sequences(values, length) for length in range(1, self.longest + 1)]
        return polars.concat_list(runs).list.unique().explode()


class InverseFrequencies(FrequentTerms, frozen=True, kw_only=True):
    """The same sequences with ln((1 + rows) / (1 + rows that have it)) + 1, as scikit-learn smooths it."""

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        import polars

        return [*super().columns(values, target), polars.len()]

    def part(self, found: Sequence[Any]) -> Any:
        return super().part(found[:1]), found[1]

    def merge(self, state: Any, later: Any) -> Any:
        return super().merge(state[0], later[0]), state[1] + later[1]

    def finish(self, state: Any, task: Task) -> tuple[tuple[str, float], ...]:
        counts = dict(state[0].rows())
        terms = super().finish(state[0], task)
        return tuple((term, math.log((1 + state[1]) / (1 + counts[term])) + 1) for term in terms)


class Variances(Statistic, frozen=True):
    """The variance of each component of a vector; missing numbers do not count, and none at all is 0."""

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        del target
        return [values.implode()]

    def part(self, found: Sequence[Any]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
        import numpy

        matrix = _matrix(found[0])
        missing = numpy.isnan(matrix)
        matrix[:, missing.all(axis=0)] = 0
        return (~missing).sum(axis=0), numpy.nanmean(matrix, axis=0), numpy.nanvar(matrix, axis=0)

    def merge(self, state: Any, later: Any) -> Any:
        (one, mean, variance), (two, other_mean, other_variance) = state, later
        count, apart = one + two, other_mean - mean
        some = count.clip(min=1)
        squares = variance * one + other_variance * two + apart * apart * (one * two / some)
        return count, mean + apart * (two / some), squares / some

    def finish(self, state: Any, task: Task) -> numpy.ndarray:
        del task
        variances: numpy.ndarray = state[2]
        return variances


class OfAllRows(Statistic, frozen=True):
    """What needs all values and targets at once: nothing smaller than the two columns can be merged."""

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        return [values.implode(), target.implode()]

    def part(self, found: Sequence[Any]) -> Any:
        return found

    def merge(self, state: Any, later: Any) -> Any:
        return [one.append(other) for one, other in zip(state, later, strict=True)]


class MutualInformation(OfAllRows, frozen=True):
    """How much each component of a vector tells about the target, in nats; a missing number counts as 0.

    The nearest-neighbour estimators with 3 neighbours of scikit-learn's `mutual_info_classif` (Ross
    2014) and `mutual_info_regression` (Kraskov, Stögbauer and Grassberger 2004); every component
    counts as continuous. Too few rows to have 3 neighbours tell nothing: 0. Neighbours are looked for among
    all rows, so that nothing smaller than the rows can be merged.
    """

    seed: int = 0

    def finish(self, state: Any, task: Task) -> numpy.ndarray:
        import numpy
        from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

        features, target = finite_matrix(state[0]), state[1]
        is_lonely = task.is_classification and target.n_unique() == len(target)
        if len(features) <= _NEIGHBOURS or not features.shape[1] or is_lonely:
            return numpy.zeros(features.shape[1])
        score = mutual_info_classif if task.is_classification else mutual_info_regression
        found: numpy.ndarray = score(
            features,
            target.to_numpy(),
            n_neighbors=_NEIGHBOURS,
            discrete_features=False,
            random_state=self.seed,
        )
        return found


_NEIGHBOURS = 3
#: What is computed of a block at once, so that wide vectors do not make it many times what it is.
_NUMBERS_AT_ONCE = 2**24
_LEAST_ROWS = 1024


def _matrix(vectors: polars.Series) -> numpy.ndarray:
    import numpy

    return numpy.array(vectors.to_numpy(), dtype=numpy.float64)


def finite_matrix(vectors: polars.Series) -> numpy.ndarray:
    """The components of vectors, [N, K]; missing ones are 0, and infinite ones the largest float32."""
    import numpy

    large = float(numpy.finfo(numpy.float32).max)
    found: numpy.ndarray = numpy.nan_to_num(_matrix(vectors), posinf=large, neginf=-large)
    return found


def learn(rows: Table, statistics: Mapping[str, Statistic], task: Task) -> dict[str, Any]:
    """All statistics of one level in one pass over the rows.

    Numbers come back as floats, lists as tuples, vectors as float64 arrays.
    """
    if not statistics:
        return {}

    def merged(state: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
        return {name: statistics[name].merge(own, later[name]) for name, own in state.items()}

    width = sum(statistic.of.type.components or 1 for statistic in statistics.values())
    size = max(_LEAST_ROWS, _NUMBERS_AT_ONCE // width)

    def part(block: polars.DataFrame) -> dict[str, Any]:
        parts = block.iter_slices(size) if block.height else [block]
        return functools.reduce(merged, (_part(rows, statistics, task) for rows in parts))

    states = rows.select(_columns_read(rows, statistics, task)).fold(part, merged)
    return {name: statistics[name].finish(state, task) for name, state in states.items()}


def _columns_read(rows: Table, statistics: Mapping[str, Statistic], task: Task) -> list[str]:
    """What of the rows is needed: all else would be read from disk for nothing."""
    expressions = [part for statistic in statistics.values() for part in statistic.reads]
    read = {column.name for part in expressions for column in columns_of(part)}
    return [name for name in rows.schema if name in read | {task.target, FOLD}]


def _part(rows: polars.DataFrame, statistics: Mapping[str, Statistic], task: Task) -> dict[str, Any]:
    """The states of these rows."""
    from aimass_compiler.expression.polars_lowering import flattened, lower

    lazy, flat = flattened(
        rows.lazy(), [part for statistic in statistics.values() for part in statistic.reads]
    )
    waiting = iter(flat)
    asked = {}
    for name, statistic in statistics.items():
        own = statistic.over(itertools.islice(waiting, len(statistic.reads)))
        asked[name] = own.columns(lower(own.of), named(task.truth))
    columns = [
        column.alias(f"{name}\x1f{place}") for name, own in asked.items() for place, column in enumerate(own)
    ]
    # The streaming engine adds up in an order that depends on the number of cores, so that the same rows
    # would teach something else on another machine.
    table = lazy.select(columns).collect(engine="in-memory")
    return {
        name: statistics[name].part([table.get_column(f"{name}\x1f{place}")[0] for place in range(len(own))])
        for name, own in asked.items()
    }
