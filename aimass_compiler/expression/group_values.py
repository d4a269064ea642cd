"""The mean, median or mode of each group of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    import polars

    from aimass_compiler.catalog.task import Task


class GroupValues(NamedTuple):
    """Names of groups, sorted, and the value of each."""

    groups: tuple[str, ...]
    values: tuple[float, ...]


class GroupSummary(Statistic, frozen=True, kw_only=True):
    """The mean, median or most frequent number of each group; groups without a number are left out.

    Of more groups than `limit`, those with the most numbers, ties in alphabetical order.
    """

    by: Expression
    name: Literal["mean", "median", "mode"]
    limit: int

    def columns(self, values: polars.Expr, target: polars.Expr) -> list[polars.Expr]:
        from aimass_compiler.expression.polars_lowering import lower

        del target
        return [values.implode(), lower(self.by).implode()]

    def part(self, found: Sequence[Any]) -> polars.DataFrame:
        """How often each number comes up in each group."""
        import polars

        rows = polars.DataFrame({"value": found[0].cast(polars.Float64), "group": found[1]})
        known = rows.drop_nulls().filter(polars.col("group") != "", polars.col("value").is_finite())
        return known.group_by("group", "value", maintain_order=True).agg(count=polars.len())

    def merge(self, state: polars.DataFrame, later: polars.DataFrame) -> polars.DataFrame:
        import polars

        both = polars.concat([state, later]).group_by("group", "value", maintain_order=True)
        return both.agg(polars.col("count").sum())

    def finish(self, state: polars.DataFrame, task: Task) -> GroupValues:
        import polars

        del task
        value, count = polars.col("value"), polars.col("count")
        numbers = value.repeat_by(count).explode()
        middle = {
            "mean": (value * count).sum() / count.sum(),
            "median": numbers.median(),
            "mode": value.sort_by([count, value], descending=[True, False]).first(),
        }[self.name]
        groups = state.sort("group", "value").group_by("group").agg(middle=middle, rows=count.sum())
        frequent = groups.sort("rows", "group", descending=[True, False]).head(self.limit).sort("group")
        return GroupValues(tuple(frequent["group"]), tuple(frequent["middle"]))
