"""What a transform can learn from the training rows, lowered to polars aggregations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.plain_name import named
from aimass_compiler.task import Task

if TYPE_CHECKING:
    import numpy
    import polars


class Summary(Struct, frozen=True):
    """One number over all rows; missing values do not count. NaN when there is no value at all."""

    of: Expression
    name: Literal["mean", "standard_deviation", "median", "minimum", "maximum"]


class Quantiles(Struct, frozen=True):
    """The values below which these shares of the rows lie, by linear interpolation."""

    of: Expression
    shares: tuple[float, ...]


class MostFrequent(Struct, frozen=True):
    """The most frequent values of a string or number, ties in their order; all when `limit` is None."""

    of: Expression
    limit: int | None = None


class FrequentTerms(Struct, frozen=True):
    """The sequences of at most `longest` words that occur in the most rows, ties in alphabetical order."""

    of: Expression
    limit: int
    longest: int


class Variances(Struct, frozen=True):
    """The variance of each component of a vector; missing numbers do not count, and none at all is 0."""

    of: Expression


class MutualInformation(Struct, frozen=True):
    """How much each component of a vector tells about the target, in nats; a missing number counts as 0.

    The nearest-neighbour estimators with 3 neighbours of scikit-learn's `mutual_info_classif` (Ross
    2014) and `mutual_info_regression` (Kraskov, Stögbauer and Grassberger 2004); every component
    counts as continuous. Too few rows to have 3 neighbours tell nothing: 0.
    """

    of: Expression
    seed: int = 0


Statistic = Summary | Quantiles | MostFrequent | FrequentTerms | Variances | MutualInformation


_NEIGHBOURS = 3


def learn(rows: polars.LazyFrame, statistics: Mapping[str, Statistic], task: Task) -> dict[str, Any]:
    """All statistics of one level in one pass over the rows.

    Numbers come back as floats, lists as tuples, vectors as float64 arrays.
    """
    if not statistics:
        return {}
    from aimass_compiler.expression.polars_lowering import flattened

    rows, flat = flattened(rows, [statistic.of for statistic in statistics.values()])
    aggregations = [
        _aggregation(replace(statistic, of=of), task).alias(name)
        for (name, statistic), of in zip(statistics.items(), flat, strict=True)
    ]
    # The streaming engine adds up in an order that depends on the number of cores, so that the same rows
    # would teach something else on another machine.
    table = rows.select(aggregations).collect(engine="in-memory")
    return {name: _value(statistics[name], table[name][0]) for name in statistics}


def _aggregation(statistic: Statistic, task: Task) -> polars.Expr:
    import polars

    from aimass_compiler.expression.polars_lowering import lower

    values = lower(statistic.of)
    match statistic:
        case Summary(of=of, name=name):
            flat = values.explode() if of.type.name == "image" else values
            summary: polars.Expr = _SUMMARIES[name](flat.cast(polars.Float64))
            return summary
        case Quantiles(shares=shares):
            return polars.concat_list([values.quantile(share, interpolation="linear") for share in shares])
        case MostFrequent():
            return _counted(values)
        case FrequentTerms(longest=longest):
            return _counted(_terms(values, longest))
        case Variances():
            return _by_matrix([values], lambda parts: _variances(parts[0]))
        case MutualInformation(seed=seed):
            target = named(task.target)
            return _by_matrix(
                [values, target], lambda parts: _mutual_information(parts[0], parts[1], task, seed)
            )


def _counted(values: polars.Expr) -> polars.Expr:
    """How often each value stands there, as a list of pairs."""
    return values.drop_nulls().value_counts(sort=False).struct.rename_fields(["value", "count"]).implode()


def _by_matrix(
    columns: list[polars.Expr], compute: Callable[[Sequence[polars.Series]], numpy.ndarray]
) -> polars.Expr:
    """A number for each component of a vector, computed by NumPy over all rows at once."""
    import polars

    def whole(parts: Sequence[polars.Series]) -> polars.Series:
        return polars.Series([compute(parts).tolist()], dtype=polars.List(polars.Float64))

    return polars.map_groups(columns, whole, return_dtype=polars.List(polars.Float64), returns_scalar=True)


_SUMMARIES: dict[str, Any] = {
    "mean": lambda values: values.mean(),
    "standard_deviation": lambda values: _zero_if_constant(values, values.std(ddof=0)),
    "median": lambda values: values.median(),
    "minimum": lambda values: values.min(),
    "maximum": lambda values: values.max(),
}


def _zero_if_constant(values: polars.Expr, deviation: polars.Expr) -> polars.Expr:
    """No deviation where all values are one: rounding would leave a tiny one, and scaling by it, noise."""
    import polars

    return polars.when(values.min() == values.max()).then(0.0).otherwise(deviation)


def _terms(words: polars.Expr, longest: int) -> polars.Expr:
    """Every sequence of up to `longest` words of every row, once a row."""
    import polars

    from aimass_compiler.expression.polars_lowering import sequences

    runs = [sequences(words, length) for length in range(1, longest + 1)]
    return polars.concat_list(runs).list.unique().explode()


def _matrix(vectors: polars.Series) -> numpy.ndarray:
    import numpy

    return numpy.asarray(vectors.to_numpy(), dtype=numpy.float64)


def _variances(vectors: polars.Series) -> numpy.ndarray:
    import numpy

    matrix = _matrix(vectors)
    missing = numpy.isnan(matrix)
    matrix[:, missing.all(axis=0)] = 0
    found: numpy.ndarray = numpy.nanvar(matrix, axis=0)
    return found


def _mutual_information(
    vectors: polars.Series, target: polars.Series, task: Task, seed: int
) -> numpy.ndarray:
    import numpy
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    large = float(numpy.finfo(numpy.float32).max)
    features = numpy.nan_to_num(_matrix(vectors), posinf=large, neginf=-large)
    is_lonely = task.is_classification and target.n_unique() == len(target)
    if len(features) <= _NEIGHBOURS or not features.shape[1] or is_lonely:
        return numpy.zeros(features.shape[1])
    score = mutual_info_classif if task.is_classification else mutual_info_regression
    found: numpy.ndarray = score(
        features, target.to_numpy(), n_neighbors=_NEIGHBOURS, discrete_features=False, random_state=seed
    )
    return found


def _value(statistic: Statistic, found: Any) -> Any:
    import numpy

    match statistic:
        case Summary():
            return float("nan") if found is None else float(found)
        case Quantiles():
            return tuple(float(value) for value in found if value is not None)
        case MostFrequent(limit=limit) | FrequentTerms(limit=limit):
            counted = sorted(
                ((entry["value"], entry["count"]) for entry in found), key=lambda pair: (-pair[1], pair[0])
            )
            return tuple(value for value, _ in counted[:limit])
        case _:
            return numpy.asarray(found, dtype=numpy.float64)
