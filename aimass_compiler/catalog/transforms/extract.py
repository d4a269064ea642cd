"""Take the part of a text that a regular expression matches, as a category, a number or a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types, patterns
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import CATEGORY, NUMBER, TEXT, ColumnType
from aimass_compiler.expression.texts import Decimal, Extracted

_TYPES: Mapping[str, ColumnType] = {"category": CATEGORY, "number": NUMBER, "text": TEXT}


class Extract(Transform):
    """Take the part of a text that a regular expression matches, as a category, a number or a text.

    Where nothing matches, the value is missing. Patterns are those that all engines read alike: letters,
    sets, `.`, `|`, `(?:…)`, repetitions, `^` at the start and `$` at the end. `\\d` and the like are ASCII.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    accepts: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Category)
    examples: ClassVar[tuple[Any, ...]] = (
        {"column": "note", "pattern": "[a-z]+"},
        {"column": "note", "pattern": "[0-9]+", "as": "first_number", "give": "number"},
        {"column": "plan", "pattern": "[^ ]+$", "within": "^.{1,9}", "give": "text"},
    )

    column: str
    """The column; with `as` it stays as it is."""
    pattern: str = Field(min_length=1)
    """What is taken: the first match, and of those that start there the longest."""
    within: str | None = Field(None, min_length=1)
    """A pattern around the part: only its first match is looked at. The title of `Heikkinen, Miss. Laina` is
    `[A-Za-z]+` within `[A-Za-z]+\\.`."""
    name: str | None = Field(None, alias="as")
    """The name of a new column for the part; without it, the part replaces the text."""
    give: Literal["category", "number", "text"] = "category"
    """What the part is. A number has at most 15 digits before and 15 behind the point, and perhaps a sign;
    anything else is missing."""

    @field_validator("pattern", "within")
    @classmethod
    def _is_portable(cls, pattern: str | None) -> str | None:
        reason = None if pattern is None else patterns.problem(pattern)
        if reason is not None:
            raise PydanticCustomError(
                "pattern", "`{pattern}` {reason}", {"pattern": pattern, "reason": reason}
            )
        return pattern

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.name or self.column: _TYPES[self.give]}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        del learned
        found = table[self.column]
        for pattern in (self.within, self.pattern):
            if pattern is not None:
                found = Extracted(
                    found, patterns.portable(pattern), TEXT if self.give == "text" else CATEGORY
                )
        return {self.name or self.column: Decimal(found) if self.give == "number" else found}
