"""Fill missing values with what the training rows usually hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Flag, Number
from aimass_compiler.catalog.transform import Declared, Doubt, Doubts, EachColumn, Table, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import AsNumber, Constant, Expression, IsMissing, Where
from aimass_compiler.expression.column_types import NUMBER, ColumnType
from aimass_compiler.expression.statistics import MostFrequent, Statistic, Summary


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
    )
    fills_missing: ClassVar[bool] = True

    strategy: Literal["mean", "median", "mode", "constant"] = Field("median", alias="with")
    """What fills the gaps; categories and texts have no middle, so all but `constant` is their mode."""
    value: Number | str | None = None
    """The filling itself, for `constant`."""
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
        return self

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        added = {f"{name}_missing": NUMBER for name in self.columns_read} if self.indicator else {}
        return {**super().produces(types), **added}

    def problem(self, types: Types) -> str | None:
        names = [name for name in self.columns_read if types[name].is_string]
        if self.strategy in ("mean", "median") and "strategy" in self.model_fields_set and names:
            return f"`{names[0]}` is {types[names[0]]} and has no {self.strategy}; write `with: mode`"
        if self.value is None:
            return None
        is_string = isinstance(self.value, str)
        unfit = [name for name in self.columns_read if types[name].is_string != is_string]
        return f"`{self.value}` cannot fill `{unfit[0]}`, which is {types[unfit[0]]}" if unfit else None

    def doubts(self, declared: Mapping[str, Declared], types: Types) -> Doubts:
        del types
        for place, name in enumerate(self.columns_read):
            if name in declared and not declared[name].may_be_missing:
                message = f"`{name}` never lacks a value, so there is nothing to fill"
                yield Doubt.IDLE, ("columns", place), message

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
        filled = dict(super().apply(table, learned))
        if self.indicator:
            filled |= {f"{name}_missing": AsNumber(IsMissing(table[name])) for name in self.columns_read}
        return filled
