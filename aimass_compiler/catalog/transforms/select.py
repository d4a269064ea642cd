"""Keep the features that matter: by variance, or by what they say about the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Integer, Number
from aimass_compiler.catalog.transform import (
    DeclaredValues,
    Doubts,
    ParameterIssue,
    Table,
    Transform,
    Types,
    features_of,
)
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression, Gather, Pack
from aimass_compiler.expression.association import Association, ForestImportance, LassoPath
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import MutualInformation, Statistic, Variances

if TYPE_CHECKING:
    from aimass_compiler.catalog.task import Task


class Select(Transform):
    """Keep the features that matter: by variance, or by what they say about the target."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number, column_types.Index, column_types.Vector)
    examples: ClassVar[tuple[Any, ...]] = (
        3,
        {"top": 1000, "by": "variance"},
        {"top": 4, "by": "correlation"},
        {"top": 4, "by": "chi2"},
        {"top": 4, "by": "importance"},
        {"top": 4, "by": "l1"},
        {"variance": 0.1, "columns": ["tenure", "age_group", "words"]},
    )
    short_form: ClassVar[str | None] = "top"

    top: Integer | None = Field(None, ge=1)
    """How many features are kept; all, when there are no more."""
    variance: Number | None = Field(None, ge=0)
    """Keep the features whose variance is above this."""
    by: Literal["mutual_information", "correlation", "chi2", "importance", "l1", "variance"] = (
        "mutual_information"
    )
    """What ranks the features for `top`: what they say of the target, the correlation with it or a class,
    chi-squared (for counts and one-hots of a classification), their part in a forest, the strongest penalty
    that keeps them in a lasso (`l1`), or their variance."""
    columns: tuple[str, ...] = ()
    """The columns to choose from; by default all features at this point."""

    @model_validator(mode="after")
    def _has_rule(self) -> Self:
        if (self.top is None) == (self.variance is None):
            raise PydanticCustomError("select_rule", "select needs either `top` or `variance`")
        return self

    @property
    def columns_read(self) -> tuple[str, ...]:
        return self.columns

    def resolved(self, types: Types) -> Self:
        return self if self.columns else self.model_copy(update={"columns": tuple(features_of(types))})

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {**dict.fromkeys(self.columns), "selected": column_types.Vector()}

    def unfit(self, task: Task) -> str | None:
        if task.is_multilabel and self.variance is None and self.by != "variance":
            return f"{task.subject} are several labels, and features are selected by one target"
        if not task.has_target and self.variance is None and self.by != "variance":
            return "there is no target that features could say something of; choose `by: variance`"
        if self.by == "chi2" and not task.is_classification:
            return f"`{task.target}` is a number, and `chi2` is of classes; choose `by: correlation`"
        return None

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del declared
        if self.variance is not None and self.by == "mutual_information" and "by" in self.model_fields_set:
            yield ParameterIssue.IDLE, ("by",), "`variance` chooses by variance, whatever `by` says"
        sizes = [types[name].components for name in self.columns if name in types]
        count = sum(size for size in sizes if size is not None)
        if self.top is not None and None not in sizes and 0 < count <= self.top:
            message = f"there are only {count} features to choose from, so all are kept"
            yield ParameterIssue.IDLE, ("top",), message

    def _all(self, table: Table) -> Pack:
        return Pack(tuple(table[name] for name in self.columns), self.columns)

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        is_variance = self.variance is not None or self.by == "variance"
        every = self._all(table)
        if is_variance:
            return {"scores": Variances(every)}
        if self.by in ("correlation", "chi2"):
            return {"scores": Association(every, measure=self.by)}
        kind = {"importance": ForestImportance, "l1": LassoPath}.get(self.by, MutualInformation)
        return {"scores": kind(every)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        scores = [float(score) for score in learned["scores"]]
        ranked = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        if self.top is None:
            kept = [place for place in ranked if scores[place] > (self.variance or 0)]
        else:
            kept = ranked[: self.top]
        return {**dict.fromkeys(self.columns), "selected": Gather(self._all(table), tuple(sorted(kept)))}
