"""Replace a category by the mean of the target in the training rows that have its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer, Number
from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import (
    AtCode,
    Constant,
    Expression,
    IsMissing,
    Lookup,
    OutOfFold,
    Where,
)
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.statistics import Statistic
from aimass_compiler.expression.target_means import Means, TargetMeans

if TYPE_CHECKING:
    from aimass_compiler.catalog.task import Task

_TWO = 2


class TargetEncode(EachColumn):
    """Replace a category by the mean of the target in the training rows that have its value.

    Of two classes it is the share of the positive one. A training row is encoded by the other four fifths of
    the training split (cross-fitting), so that no row knows its own target; other rows are encoded by all.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.Category,)
    examples: ClassVar[tuple[Any, ...]] = (
        "plan",
        {"columns": ["plan", "region"], "smoothing": 2, "limit": 2},
    )
    fills_missing: ClassVar[bool] = True
    is_cross_fitted: ClassVar[bool] = True

    smoothing: Number = Field(10.0, ge=0)
    """As how many rows the mean of all rows counts, so that rare values lie near to it."""
    limit: Integer = Field(10_000, ge=1, le=1_000_000)
    """How many of the most frequent values are encoded; others, and missing ones, are the mean of all."""

    def type_after(self, before: ColumnType) -> ColumnType:
        del before
        return NUMBER

    def unfit(self, task: Task) -> str | None:
        if task.is_multilabel:
            return f"{task.subject} are several labels, and a category is encoded by one target"
        if not task.has_target:
            return "there is no target whose mean could stand for a value; choose `frequency_encode`"
        if task.is_classification and len(task.classes) > _TWO:
            return f"`{task.target}` has {len(task.classes)} classes, of which there is no mean"
        return None

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        return {"means": TargetMeans(column, smoothing=self.smoothing, limit=self.limit)}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        terms, always, folds = learned["means"]
        code = Lookup(column, terms)

        def encoded(means: Means) -> Expression:
            return Where(IsMissing(code), Constant(means.of_all), AtCode(code, means.of_terms))

        return OutOfFold(encoded(always), tuple(encoded(means) for means in folds))
