"""How closely each component of a vector goes with the target, by several measures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aimass_compiler.expression.statistics import MutualInformation, OfAllRows, Statistic, finite_matrix

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task

_TWO = 2


class _Sums(NamedTuple):
    """Of some rows: how many, means [K + 1] of components and target, and products of deviations.

    `squares` [K + 1] are those with themselves, `products` [K] those of components with the target.
    """

    rows: int
    means: numpy.ndarray
    squares: numpy.ndarray
    products: numpy.ndarray
    least: numpy.ndarray

    def and_later(self, others: _Sums) -> _Sums:
        """Of both (Chan, Golub and LeVeque 1983)."""
        import numpy

        count, apart = self.rows + others.rows, others.means - self.means
        weight = self.rows * others.rows / count
        return _Sums(
            count,
            self.means + apart * (others.rows / count),
            self.squares + others.squares + weight * apart * apart,
            self.products + others.products + weight * apart[:-1] * apart[-1],
            numpy.minimum(self.least, others.least),
        )


class Association(Statistic, frozen=True, kw_only=True):
    """For each component, the largest correlation (without sign) with a class or the target, or chi-squared.

    Chi-squared is scikit-learn's `chi2`, and 0 for components that are somewhere negative. A missing number
    counts as 0, and what does not vary has no correlation: 0.
    """

    measure: Literal["correlation", "chi2"]

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        return [values.implode(), target.implode()]

    def part(self, found: Sequence[Any]) -> dict[Any, _Sums]:
        """By class; of a regression, under one name."""
        import numpy
        import polars

        matrix, target = finite_matrix(found[0]), found[1]
        is_class = target.dtype == polars.String
        groups = target if is_class else polars.repeat(0, len(target), eager=True)
        numbers = numpy.zeros(len(target)) if is_class else target.to_numpy().astype(numpy.float64)
        both = numpy.column_stack([matrix, numbers])
        return {
            group: _sums(both[(groups == group).to_numpy()]) for group in groups.unique(maintain_order=True)
        }

    def merge(self, state: dict[Any, _Sums], later: dict[Any, _Sums]) -> dict[Any, _Sums]:
        joined = dict(state)
        for group, sums in later.items():
            joined[group] = joined[group].and_later(sums) if group in joined else sums
        return joined

    def finish(self, state: dict[Any, _Sums], task: Task) -> numpy.ndarray:
        import numpy

        if not state:
            return numpy.zeros(self.of.type.components or 0)
        groups = [state[group] for group in sorted(state)]
        all_ = groups[0]
        for group in groups[1:]:
            all_ = all_.and_later(group)
        with numpy.errstate(all="ignore"):
            if self.measure == "chi2":
                found = _chi2(groups, all_)
            elif task.is_classification:
                found = numpy.max([_with_class(group, all_) for group in groups], axis=0)
            else:
                found = numpy.abs(all_.products) / numpy.sqrt(all_.squares[:-1] * all_.squares[-1])
        found = numpy.nan_to_num(found, posinf=0.0)
        return numpy.where(all_.squares[:-1] > 0, found, 0.0)


def _sums(rows: numpy.ndarray) -> _Sums:
    means = rows.mean(axis=0)
    apart = rows - means
    products = (apart[:, :-1] * apart[:, -1:]).sum(axis=0)
    return _Sums(len(rows), means, (apart * apart).sum(axis=0), products, rows[:, :-1].min(axis=0))


def _with_class(group: _Sums, all_: _Sums) -> numpy.ndarray:
    """The correlation of each component with being in a class."""
    import numpy

    share = group.rows / all_.rows
    covariance = share * (group.means - all_.means)[:-1]
    deviations = numpy.sqrt(all_.squares[:-1] / all_.rows * (share * (1 - share)))
    found: numpy.ndarray = numpy.abs(covariance) / deviations
    return found


def _chi2(groups: Sequence[_Sums], all_: _Sums) -> numpy.ndarray:
    import numpy

    total = all_.rows * all_.means[:-1]
    found = numpy.zeros_like(total)
    for group in groups:
        expected = total * (group.rows / all_.rows)
        found += (group.rows * group.means[:-1] - expected) ** 2 / expected
    return numpy.where(all_.least >= 0, found, 0.0)


class ForestImportance(MutualInformation, frozen=True):
    """How much each component lowers the impurity in a forest of scikit-learn's extremely random trees."""

    def finish(self, state: Any, task: Task) -> numpy.ndarray:
        import numpy
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        features, target = finite_matrix(state[0]), state[1].to_numpy()
        if not features.size:
            return numpy.zeros(features.shape[1])
        kind = ExtraTreesClassifier if task.is_classification else ExtraTreesRegressor
        forest = kind(n_estimators=100, min_samples_leaf=2, random_state=self.seed, n_jobs=1)
        found: numpy.ndarray = forest.fit(features, target).feature_importances_
        return found


class LassoPath(OfAllRows, frozen=True):
    """The strongest L1 penalty at which each standardised component has a weight in a linear regression.

    Found by least angle regression (Efron, Hastie, Johnstone and Tibshirani 2004), with `lars_path`.
    The target of a class is 1 in its rows and 0 elsewhere, and of several classes the largest penalty counts.
    A missing number counts as 0.
    """

    def finish(self, state: Any, task: Task) -> numpy.ndarray:
        import numpy

        features = finite_matrix(state[0])
        if not features.size:
            return numpy.zeros(features.shape[1])
        apart = features - features.mean(axis=0)
        spread = apart.std(axis=0)
        scaled = numpy.divide(apart, spread, out=numpy.zeros_like(apart), where=spread > 0)
        known = [state[1] == name for name in task.classes[1:] if task.is_classification] or [state[1]]
        if task.is_classification and len(task.classes) > _TWO:
            known.append(state[1] == task.classes[0])
        found: numpy.ndarray = numpy.max([_penalties(scaled, one.to_numpy()) for one in known], axis=0)
        return found


def _penalties(features: numpy.ndarray, target: numpy.ndarray) -> numpy.ndarray:
    import numpy
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import lars_path

    numbers = target.astype(numpy.float64)
    with warnings.catch_warnings():
        # It leaves out components that equal others, and stops early; neither moves those before.
        warnings.simplefilter("ignore", ConvergenceWarning)
        penalties, _, weights = lars_path(features, numbers - numbers.mean(), method="lasso")
    # A component comes in behind the step at which its weight is 0 for the last time.
    last = (weights != 0).argmax(axis=1) - 1
    found: numpy.ndarray = numpy.where((weights != 0).any(axis=1), penalties[last.clip(min=0)], 0.0)
    return found
