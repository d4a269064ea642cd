"""Turn a text into the codes of its words, in their order, for models that read sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression, Lower, TokenCodes, Words
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import FrequentTerms, Statistic


class Tokens(Transform):
    """Turn a text into the codes of its words, in their order, for models that read sequences.

    The vocabulary is learned from the training rows; a word that is not in it counts as an unknown one.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Category)
    examples: ClassVar[tuple[Any, ...]] = (
        "note",
        {"column": "note", "vocabulary": 3, "length": 2, "min_rows": 1},
    )
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column; its words stand between spaces, A to Z count as a to z."""
    vocabulary: Integer = Field(5_000, ge=1, le=65_536)
    """How many words are known at most: those of the most training rows."""
    length: Integer = Field(64, ge=1, le=4_096)
    """How many words of a text are read; what comes behind them is left out."""
    min_rows: Integer = Field(2, ge=1)
    """In how many training rows a word must stand to be known. Rarer ones teach what an unknown word is."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.column: column_types.Sequence(self.length)}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        words = Words(Lower(table[self.column]))
        return {"terms": FrequentTerms(words, limit=self.vocabulary, least=self.min_rows, longest=1)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        words = Words(Lower(table[self.column]))
        return {self.column: TokenCodes(words, tuple(learned["terms"]), self.length)}
