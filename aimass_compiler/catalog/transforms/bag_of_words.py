"""Count the most frequent words, or sequences of words, of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression.algebra import CountTerms, Expression, Lower, Words
from aimass_compiler.expression.statistics import FrequentTerms, Statistic
from aimass_compiler.expression.types import ColumnType, vector
from aimass_compiler.values import Integer


class BagOfWords(Transform):
    """Count the most frequent words, or sequences of words, of a text."""

    accepts: ClassVar[frozenset[str]] = frozenset({"text", "category"})
    examples: ClassVar[tuple[Any, ...]] = ("note", {"column": "note", "size": 3, "ngrams": 3})
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column; its words stand between spaces, A to Z count as a to z."""
    size: Integer = Field(200, ge=1, le=65_536)
    """How many terms are kept: those of the most training rows."""
    ngrams: Integer = Field(1, ge=1, le=4)
    """The longest sequence of words that is a term."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.column: vector()}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        return {
            "terms": FrequentTerms(Words(Lower(table[self.column])), limit=self.size, longest=self.ngrams)
        }

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        terms = tuple(sorted(learned["terms"]))
        return {self.column: CountTerms(Words(Lower(table[self.column])), terms, self.column)}
