"""Turn numbers that go together into fewer that do not: their principal components."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import Columns, ColumnsOfType, Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression, Pack
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.covariance import PrincipalComponents
from aimass_compiler.expression.statistics import Statistic


class Pca(Transform):
    """Turn numbers that go together into fewer that do not: their principal components."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = (
        {"columns": ["tenure", "charges", "age"], "components": 2},
        {"columns": ["tenure", "charges"], "components": 0.9, "as": "usage"},
    )

    columns: Columns
    """The columns, in whose place the components come: names, or all of a type. Standardise them first,
    as otherwise the one with the largest numbers decides; a row that lacks one has no components."""
    components: Number = Field(gt=0)
    """How many there are; below 1, as many as explain that share of the variance."""
    name: str = Field("pca", alias="as", min_length=1)
    """What the vector of components is called: its features are this with `_1`, `_2` and so on."""

    def problem(self, types: Types) -> str | None:
        del types
        if self.components >= 1 and self.components != int(self.components):
            return f"`components` is a whole number or a share below 1, not {self.components}"
        if self.components > len(self.columns_read):
            return f"{len(self.columns_read)} columns have no {int(self.components)} components"
        return None

    @property
    def columns_written(self) -> tuple[str, ...]:
        names = () if isinstance(self.columns, ColumnsOfType) else self.columns
        return (*names, self.name)

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        size = int(self.components) if self.components >= 1 else None
        return {**dict.fromkeys(self.columns_read), self.name: column_types.Vector(size)}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        every = Pack(tuple(table[name] for name in self.columns_read), self.columns_read)
        return {"components": PrincipalComponents(every, components=float(self.components))}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        means, directions = learned["components"]
        centred = [
            Arithmetic("subtract", table[name], Constant(float(mean)))
            for name, mean in zip(self.columns_read, means, strict=True)
        ]

        def along(direction: Any) -> Expression:
            products: list[Expression] = [
                Arithmetic("multiply", value, Constant(float(factor)))
                for value, factor in zip(centred, direction, strict=True)
            ]
            return reduce(lambda one, other: Arithmetic("add", one, other), products)

        names = tuple(f"{self.name}_{number}" for number in range(1, len(directions) + 1))
        return {
            **dict.fromkeys(self.columns_read),
            self.name: Pack(tuple(along(direction) for direction in directions), names),
        }
