"""The mean of the target for each value of a category: of all rows, and of the rows outside of each fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.expression.folds import FOLD, FOLDS
from aimass_compiler.expression.plain_name import named
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task


class Means(NamedTuple):
    """Smoothed means of the target."""

    of_all: float
    of_terms: tuple[float, ...]


class TargetMeans(Statistic, frozen=True, kw_only=True):
    """The values, sorted; their means over all rows; and those over the rows outside of each fold.

    A mean is (sum + smoothing * mean of all) / (rows + smoothing). Rows say in which fold they are.
    """

    smoothing: float
    limit: int

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        return [values.implode(), named(FOLD).implode(), target.implode()]

    def part(self, found: Sequence[Any]) -> polars.DataFrame:
        import polars

        rows = polars.DataFrame({"name": found[0], "fold": found[1], "target": found[2]})
        # By the target, too: of what class or number it is, only the task knows.
        return rows.group_by("name", "fold", "target", maintain_order=True).agg(count=polars.len())

    def merge(self, state: polars.DataFrame, later: polars.DataFrame) -> polars.DataFrame:
        import polars

        both = polars.concat([state, later]).group_by("name", "fold", "target", maintain_order=True)
        return both.agg(polars.col("count").sum())

    def finish(self, state: polars.DataFrame, task: Task) -> tuple[tuple[str, ...], Means, tuple[Means, ...]]:
        import polars

        counts = state.drop_nulls("name").group_by("name").agg(polars.col("count").sum()).rows()
        frequent = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[: self.limit]
        terms = tuple(sorted(name for name, _ in frequent))
        places = polars.col("name").replace_strict(
            terms, range(len(terms)), default=len(terms), return_dtype=polars.Int64
        )
        known = state.drop_nulls("target").with_columns(place=places.fill_null(len(terms)))
        target, fold = _as_numbers(known["target"], task), known["fold"].to_numpy()
        place, count = known["place"].to_numpy(), known["count"].to_numpy()
        wheres = [fold == fold, *(fold != number for number in range(FOLDS))]  # noqa: PLR0124  # all of them
        always, *folds = (
            self._means(place[where], count[where], target[where], len(terms)) for where in wheres
        )
        return terms, always, tuple(folds)

    def _means(self, place: numpy.ndarray, count: numpy.ndarray, target: numpy.ndarray, terms: int) -> Means:
        import numpy

        rows = numpy.bincount(place, count, terms + 1)
        sums = numpy.bincount(place, count * target, terms + 1)
        of_all = float(sums.sum() / rows.sum()) if rows.sum() else 0.0
        weights = rows + self.smoothing
        means = numpy.where(
            weights > 0, (sums + self.smoothing * of_all) / numpy.where(weights, weights, 1), of_all
        )
        return Means(of_all, tuple(means[:terms].tolist()))


def _as_numbers(target: polars.Series, task: Task) -> numpy.ndarray:
    """The numbers of a regression; of two classes, whether it is the positive one."""
    import polars

    if not task.is_classification:
        return target.cast(polars.Float64).to_numpy()
    return (target == task.positive).cast(polars.Float64).to_numpy()
