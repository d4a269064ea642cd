"""Count the most frequent words, or sequences of words, of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.transform import Table, Transform, Types
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import CountTerms, Expression, Lower, Words
from aimass_compiler.expression.column_types import ColumnType
from aimass_compiler.expression.statistics import FrequentTerms, InverseFrequencies, Statistic


class BagOfWords(Transform):
    """Count the most frequent words, or sequences of words, of a text."""

    accepts: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Category)
    examples: ClassVar[tuple[Any, ...]] = (
        "note",
        {"column": "note", "size": 3, "ngrams": 3, "weigh": "tf_idf"},
    )
    short_form: ClassVar[str | None] = "column"

    column: str
    """The column; its words stand between spaces, A to Z count as a to z."""
    size: Integer = Field(200, ge=1, le=65_536)
    """How many terms are kept: those of the most training rows."""
    ngrams: Integer = Field(1, ge=1, le=4)
    """The longest sequence of words that is a term."""

    weigh: Literal["count", "tf_idf"] = "count"
    """Whether a term counts 1 each time or, by `tf_idf`, more the fewer training rows have it."""

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        del types
        return {self.column: column_types.Vector()}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        kind = FrequentTerms if self.weigh == "count" else InverseFrequencies
        return {"terms": kind(Words(Lower(table[self.column])), limit=self.size, longest=self.ngrams)}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        words, terms = Words(Lower(table[self.column])), tuple(sorted(learned["terms"]))
        if self.weigh == "count":
            return {self.column: CountTerms(words, terms, self.column)}
        weighed = dict(terms)
        return {self.column: CountTerms(words, tuple(weighed), self.column, tuple(weighed.values()))}
