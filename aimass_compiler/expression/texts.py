"""The operators that rewrite texts: normalised letters, what a pattern matches, decimals as a number."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping
from functools import cache

from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import ColumnType

#: Numbers that every engine reads alike: at most 15 digits before the point and behind it.
DECIMAL = r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?"
#: No plane of Unicode from the fourth on has a letter that changes.
_PLANES = 3 << 16


class Normalized(Expression, frozen=True):
    """A string with each letter normalised, and white space as single spaces between words; see `letters`."""

    of: Expression
    in_lower_case: bool
    without_accents: bool

    @property
    def type(self) -> ColumnType:
        return self.of.type


class Extracted(Expression, frozen=True):
    """The first match of a pattern in the syntax of `patterns.portable`; missing where there is none."""

    of: Expression
    pattern: str
    column_type: ColumnType

    @property
    def type(self) -> ColumnType:
        return self.column_type


class Decimal(Expression, frozen=True):
    """The number that a string writes in decimals; missing where it writes none. See `DECIMAL`."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


@cache
def letters(*, in_lower_case: bool, without_accents: bool) -> Mapping[int, str]:
    """What becomes of each letter that changes, by its code point; white space becomes a space.

    Each letter is normalised by itself, by NFKC (Unicode Standard Annex 15). A mark that stands alone behind
    its letter is therefore not composed with it; without accents it is removed. Accents are all
    characters with a combining class, as of scikit-learn's `strip_accents_unicode`.
    """
    found = {}
    for code in range(min(_PLANES, sys.maxunicode + 1)):
        letter = chr(code)
        parts = list(unicodedata.normalize("NFKD", letter))
        if in_lower_case:
            parts = list("".join(part.lower() for part in parts))
        if without_accents:
            parts = [part for part in parts if not unicodedata.combining(part)]
        made = unicodedata.normalize("NFKC", "".join(parts))
        made = "".join(" " if part.isspace() else part for part in made)
        if made != letter and unicodedata.category(letter) != "Cs":
            found[code] = made
    return found
