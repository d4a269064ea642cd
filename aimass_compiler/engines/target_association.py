"""How much a column alone says about a target: correlation, mutual information, and what it predicts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import polars

#: Numbers of more values are an amount, not a class.
_MOST_NUMBERED = 20
_MOST_CLASSES = 100
#: Rows whose nearest neighbours are looked for, of all columns together and of one.
_MOST_CELLS, _MOST_NEIGHBOURED, _FEWEST = 200_000, 5_000, 1_000
_FEWEST_ROWS = 40
_LEAVES, _ROWS_OF_A_LEAF = 64, 20
#: scikit-learn's, of which an estimate needs more rows.
_NEIGHBOURS = 3
_SEED = 0


@dataclass(frozen=True)
class TargetAssociation:
    """What one column says about the target in a sample."""

    alone: float
    """The share of the error of guessing that a small tree of this column alone removes, on rows that it has
    not seen: 0 tells nothing, 1 everything. The error is the rate of wrong classes, or the variance."""
    gaps: float
    """The same of whether the column is missing."""
    mutual_information: float
    """In nats; of numbers by nearest neighbours (Kraskov 2004, Ross 2014). Of names and classes without what
    chance makes of many names (Vinh, Epps and Bailey 2010), so that a name for each row has none."""
    correlation: float | None
    """Pearson's, of a number with a number or with the last of two classes."""


def associations(sample: polars.DataFrame, target: str) -> dict[str, TargetAssociation]:
    """By column, of the rows whose target is known; nothing where they are too few, or classes too many."""
    import numpy

    # Under a plain name: polars takes `*` and `^…$` for patterns, in methods of a Series too.
    wanted = sample.get_column(target).alias("value")
    known = wanted.is_not_null()
    if wanted.dtype.is_float():
        known &= wanted.is_finite()
    rows = sample.filter(known)
    truth = wanted.filter(known)
    is_class = not truth.dtype.is_numeric() or truth.n_unique() <= _MOST_NUMBERED
    is_usable = not truth.dtype.is_nested() and truth.n_unique() > 1
    if rows.height < _FEWEST_ROWS or not is_usable or (is_class and truth.n_unique() > _MOST_CLASSES):
        return {}
    y = numpy.unique(truth.cast(str).to_numpy(), return_inverse=True)[1] if is_class else truth.to_numpy()
    order = numpy.random.default_rng(_SEED).permutation(rows.height)
    neighboured = max(_FEWEST, min(_MOST_NEIGHBOURED, _MOST_CELLS // max(1, rows.width)))
    found = {}
    for column in rows.iter_columns():
        if column.name == target or column.dtype.is_nested():
            continue
        x, is_number = _codes(column.alias("value"))
        is_missing = numpy.isnan(x)
        found[column.name] = TargetAssociation(
            _alone(x, y, order, is_class=is_class, is_number=is_number),
            _alone(is_missing.astype(float), y, order, is_class=is_class, is_number=True)
            if is_missing.any()
            else 0.0,
            _information(x, y, order[:neighboured], is_class=is_class, is_number=is_number),
            _correlation(x, y) if is_number and (not is_class or y.max() == 1) else None,
        )
    return found


def _codes(column: polars.Series) -> tuple[numpy.ndarray, bool]:
    """The column as float64 with NaN for gaps, and whether its order means something."""
    import numpy
    import polars

    type_ = column.dtype
    if type_.is_numeric() or type_ == polars.Boolean or type_.is_temporal():
        physical = column.to_physical().cast(polars.Float64).to_numpy()
        return numpy.where(numpy.isinf(physical), numpy.nan, physical), True
    ranks = column.cast(polars.String).rank("dense").cast(polars.Float64).fill_null(numpy.nan)
    return ranks.to_numpy(), False


def _alone(
    x: numpy.ndarray, y: numpy.ndarray, order: numpy.ndarray, *, is_class: bool, is_number: bool
) -> float:
    """By half of the rows, about the other half."""
    import numpy

    half = len(order) // 2
    train, test = order[:half], order[half:]
    guess = float(numpy.bincount(y[train]).argmax() if is_class else y[train].mean())
    by_guess = _error(numpy.full(len(test), guess), y[test], is_class=is_class)
    if by_guess <= 0:
        return 0.0
    predict = _tree if is_number else _by_value
    predicted = predict(x[train], y[train], x[test], guess, is_class=is_class)
    return max(0.0, 1 - _error(predicted, y[test], is_class=is_class) / by_guess)


def _error(predicted: numpy.ndarray, truth: numpy.ndarray, *, is_class: bool) -> float:
    return float((predicted != truth).mean() if is_class else ((predicted - truth) ** 2).mean())


def _tree(
    x: numpy.ndarray, y: numpy.ndarray, asked: numpy.ndarray, guess: float, *, is_class: bool
) -> numpy.ndarray:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    del guess
    kind = DecisionTreeClassifier if is_class else DecisionTreeRegressor
    leaves = max(2, min(_LEAVES, len(x) // _ROWS_OF_A_LEAF))
    tree = kind(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=_SEED)
    predicted: numpy.ndarray = tree.fit(x[:, None], y).predict(asked[:, None])
    return predicted


def _by_value(
    x: numpy.ndarray, y: numpy.ndarray, asked: numpy.ndarray, guess: float, *, is_class: bool
) -> numpy.ndarray:
    """The likeliest class or the mean of each value; the guess for values that are new."""
    import numpy

    places, known = numpy.unique(numpy.nan_to_num(x, nan=-1.0), return_inverse=True)
    if is_class:
        counts = numpy.zeros((len(places), int(y.max()) + 1))
        numpy.add.at(counts, (known, y), 1)
        values = counts.argmax(axis=1)
    else:
        values = numpy.bincount(known, weights=y) / numpy.bincount(known)
    wanted = numpy.nan_to_num(asked, nan=-1.0)
    at = numpy.searchsorted(places, wanted).clip(max=len(places) - 1)
    return numpy.where(places[at] == wanted, values[at], guess)


def _information(
    x: numpy.ndarray, y: numpy.ndarray, rows: numpy.ndarray, *, is_class: bool, is_number: bool
) -> float:
    import numpy
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    values = numpy.nan_to_num(x[rows], nan=float(numpy.nanmin(x)) - 1 if not numpy.isnan(x).all() else 0.0)
    places, codes = numpy.unique(values, return_inverse=True)
    is_discrete = not is_number or len(places) <= _MOST_NUMBERED
    values, truth = codes if is_discrete else values, y[rows]
    if is_discrete != is_class:
        # A name or class of one row has no neighbours, and where all are of one, the estimate has no rows.
        _, named = numpy.unique(values if is_discrete else truth, return_inverse=True)
        is_repeated = numpy.bincount(named)[named] > 1
        if is_repeated.sum() <= _NEIGHBOURS:
            return 0.0
        values, truth = values[is_repeated], truth[is_repeated]
    score = mutual_info_classif if is_class else mutual_info_regression
    (found,) = score(values[:, None], truth, discrete_features=is_discrete, random_state=_SEED)
    chance = _by_chance(values, truth) if is_discrete and is_class else 0.0
    return max(0.0, float(found) * len(truth) / len(rows) - chance)


def _by_chance(names: numpy.ndarray, classes: numpy.ndarray) -> float:
    """The information of as many names in any other order, by which many of them seem to have much."""
    from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

    return float(expected_mutual_information(contingency_matrix(names, classes, sparse=True), len(names)))


def _correlation(x: numpy.ndarray, y: numpy.ndarray) -> float | None:
    import numpy

    known = numpy.isfinite(x) & numpy.isfinite(y.astype(float))
    with numpy.errstate(all="ignore"):
        found = float(numpy.corrcoef(x[known], y[known])[0, 1]) if known.sum() > 1 else math.nan
    return found if math.isfinite(found) else None
