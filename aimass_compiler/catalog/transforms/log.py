"""Take the natural logarithm of 1 + x, so that large numbers lie closer together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Number
from aimass_compiler.catalog.transform import DeclaredValues, Doubts, EachColumn, ParameterIssue, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Arithmetic, Constant, Expression, Function


class Log(EachColumn):
    """Take the natural logarithm of 1 + x, so that large numbers lie closer together."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Number,)
    examples: ClassVar[tuple[Any, ...]] = ("charges", {"columns": ["tenure", "charges"], "offset": 0})

    offset: Number = Field(1.0, ge=0)
    """What is added first; a sum that is not positive becomes missing."""

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        del types
        for place, name in enumerate(self.columns_read):
            least = declared.get(name, DeclaredValues()).least
            if least is not None and least + self.offset <= 0:
                message = (
                    f"`{name}` may be {least:g}, of which there is no logarithm with `offset` {self.offset:g}"
                )
                yield ParameterIssue.LOST, ("columns", place), message

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name, learned
        return Function("log", Arithmetic("add", column, Constant(float(self.offset))))
