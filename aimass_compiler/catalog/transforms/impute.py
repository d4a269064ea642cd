"""Fill missing values with what the training rows usually hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Flag, Integer, Number, is_absent
from aimass_compiler.catalog.transform import DeclaredValues, Doubts, EachColumn, ParameterIssue, Table, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import (
    Arithmetic,
    AsNumber,
    AtCode,
    Constant,
    Expression,
    IsMissing,
    Lookup,
    Pack,
    Where,
)
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.covariance import LeastSquares, Line
from aimass_compiler.expression.group_values import GroupSummary, GroupValues
from aimass_compiler.expression.neighbors import KnownRows, MeanOfNearest
from aimass_compiler.expression.some_rows import SomeRows
from aimass_compiler.expression.statistics import MostFrequent, Statistic, Summary

_MOST_GROUPS = 10_000
#: What fills a number from other numbers.
_FROM_OTHERS = ("regression", "neighbors")
_NEIGHBORS, _ROWS = 5, 1_000


class Impute(EachColumn):
    """Fill missing values with what the training rows usually hold."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Number, column_types.Category, column_types.Text)
    examples: ClassVar[tuple[Any, ...]] = (
        ["tenure", "charges"],
        {"columns": ["plan", "age"], "with": "mode", "indicator": True},
        {"columns": {"type": "number"}, "with": "mean"},
        {"columns": "note", "with": "constant", "value": "none"},
        {"columns": "age", "with": "constant", "value": -1, "indicator": True},
        {"columns": ["charges", "age"], "with": "mean", "by": "plan"},
        {"columns": "charges", "with": "regression", "from": ["tenure", "age"]},
        {"columns": "charges", "with": "neighbors", "from": ["tenure", "age"], "neighbors": 3, "rows": 500},
    )
    fills_missing: ClassVar[bool] = True

    strategy: Literal["mean", "median", "mode", "constant", "regression", "neighbors"] = Field(
        "median", alias="with"
    )
    """What fills the gaps; categories and texts have no middle, so all but `constant` is their mode."""
    value: Number | str | None = None
    """The filling itself, for `constant`."""
    by: str | None = None
    """A category, whose rows of the same value fill a number; where they hold none, all rows do."""
    sources: tuple[str, ...] = Field((), alias="from")
    """The numbers of which `with: regression` is a linear function; for one that is missing, its mean.
    With `neighbors`, those by which rows are near, each in its own standard deviations; of one that is
    missing, nothing counts."""
    neighbors: Integer | None = Field(None, ge=1, le=1_000, exclude_if=is_absent)
    """Of how many rows the mean is taken `with: neighbors`, and of all that are as near; by default 5."""
    rows: Integer | None = Field(None, ge=1, le=10_000, exclude_if=is_absent)
    """How many training rows `with: neighbors` keeps, in the graph that serves; by default 1,000."""
    indicator: Flag = False
    """Whether a column `<name>_missing` of 0 and 1 says to the model where the gaps were."""

    @model_validator(mode="after")
    def _has_value(self) -> Self:
        if self.strategy == "constant" and self.value is None:
            raise PydanticCustomError(
                "impute_value", "`with: constant` needs the `value` that fills the gaps"
            )
        if self.strategy != "constant" and self.value is not None:
            raise PydanticCustomError("impute_value", "`value` goes with `with: constant`, and only with it")
        if (self.strategy in _FROM_OTHERS) != bool(self.sources):
            raise PydanticCustomError(
                "impute_from",
                "`with: regression` or `neighbors` and the columns that it fills `from` go together",
            )
        if self.strategy != "neighbors" and (self.neighbors is not None or self.rows is not None):
            raise PydanticCustomError(
                "impute_neighbors", "`neighbors` and `rows` go with `with: neighbors`, and only with it"
            )
        if self.by is not None and self.strategy not in ("mean", "median", "mode"):
            raise PydanticCustomError("impute_by", "`by` goes with `with: mean`, `median` or `mode`")
        return self

    @property
    def columns_changed(self) -> tuple[str, ...]:
        return super().columns_read

    @property
    def columns_read(self) -> tuple[str, ...]:
        also = (*([self.by] if self.by is not None else []), *self.sources)
        return tuple(dict.fromkeys((*self.columns_changed, *also)))

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        added = {f"{name}_missing": NUMBER for name in self.columns_changed} if self.indicator else {}
        return {**super().produces(types), **added}

    def problem(self, types: Types) -> str | None:
        names = [name for name in self.columns_changed if types[name].is_string]
        middles = ("mean", "median", *_FROM_OTHERS)
        if self.strategy in middles and "strategy" in self.model_fields_set and names:
            return f"`{names[0]}` is {types[names[0]]} and has no {self.strategy}; write `with: mode`"
        if self.value is not None:
            is_string = isinstance(self.value, str)
            unfit = [name for name in self.columns_changed if types[name].is_string != is_string]
            return f"`{self.value}` cannot fill `{unfit[0]}`, which is {types[unfit[0]]}" if unfit else None
        if self.by is not None:
            return self._problem_of_groups(types, names)
        for name in self.sources:
            if types[name].is_string:
                return f"`{name}` is {types[name]}, and `from` takes numbers"
            if name in self.columns_changed:
                return f"`{name}` cannot be filled from itself"
        return None

    def _problem_of_groups(self, types: Types, strings: list[str]) -> str | None:
        if not types[self.by].is_string:  # type: ignore[index]  # it was asked for
            return f"`{self.by}` is {types[self.by]}, and `by` takes a category"  # type: ignore[index]  # as above
        return f"`{strings[0]}` is {types[strings[0]]}, and `by` fills numbers" if strings else None

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del types
        for place, name in enumerate(self.columns_changed):
            if name in declared and not declared[name].may_be_missing:
                message = f"`{name}` may not be missing, so there is nothing to fill"
                yield ParameterIssue.IDLE, ("columns", place), message

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        if self.strategy in _FROM_OTHERS:
            return {f"{name}.others": self._of_others(table, name) for name in self.columns_changed}
        found = dict(super().learn(table))
        if self.by is not None:
            how = self.strategy if self.strategy in ("mean", "mode") else "median"
            for name in self.columns_changed:
                found[f"{name}.groups"] = GroupSummary(
                    table[name], by=table[self.by], name=how, limit=_MOST_GROUPS
                )
        return found

    def _of_others(self, table: Table, name: str) -> Statistic:
        names = (name, *self.sources)
        every = Pack(tuple(table[each] for each in names), names)
        return (
            LeastSquares(every) if self.strategy == "regression" else SomeRows(every, most=self.rows or _ROWS)
        )

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        if self.strategy == "constant":
            return {}
        if self.strategy == "mode" or column.type.is_string:
            return {"mode": MostFrequent(column, limit=1)}
        return {"value": Summary(column, "mean" if self.strategy == "mean" else "median")}

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name
        return Where(IsMissing(column), Constant(self._filling(column, learned)), column)

    def _filling(self, column: Expression, learned: Mapping[str, Any]) -> float | str:
        if self.value is not None:
            return self.value if isinstance(self.value, str) else float(self.value)
        if "mode" in learned:
            empty: float | str = "" if column.type.is_string else float("nan")
            return next(iter(learned["mode"]), empty)
        return float(learned["value"])

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        filled: dict[str, Expression | None]
        if self.strategy in _FROM_OTHERS:
            fill = self._along if self.strategy == "regression" else self._of_nearest
            filled = {name: fill(table, name, learned[f"{name}.others"]) for name in self.columns_changed}
        else:
            of_groups = {
                name: self._of_its_group(table, name, learned[f"{name}.groups"])
                for name in self.columns_changed
                if self.by is not None
            }
            filled = dict(super().apply({**table, **of_groups}, learned))
        if self.indicator:
            filled |= {f"{name}_missing": AsNumber(IsMissing(table[name])) for name in self.columns_changed}
        return filled

    def _of_its_group(self, table: Table, name: str, found: GroupValues) -> Expression:
        own = AtCode(Lookup(table[self.by], found.groups), found.values)  # type: ignore[index]  # it was asked for
        return Where(IsMissing(table[name]), own, table[name])

    def _of_nearest(self, table: Table, name: str, known: KnownRows) -> Expression:
        others = tuple(table[source] for source in self.sources)
        return Where(
            IsMissing(table[name]), MeanOfNearest(others, known, self.neighbors or _NEIGHBORS), table[name]
        )

    def _along(self, table: Table, name: str, line: Line) -> Expression:
        filling: Expression = Constant(line.constant)
        for source, factor, mean in zip(self.sources, line.factors, line.means, strict=True):
            known = Where(IsMissing(table[source]), Constant(mean), table[source])
            filling = Arithmetic("add", filling, Arithmetic("multiply", known, Constant(factor)))
        return Where(IsMissing(table[name]), filling, table[name])
