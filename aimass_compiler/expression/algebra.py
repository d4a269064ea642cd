"""The operators that a feature is computed with: values, so that every engine can read them.

Missing values have one meaning everywhere. A number may be missing (null in polars, NaN in
ONNX); arithmetic with a missing number is missing, and so are a quotient by zero and every other
result that is not a number; a comparison with a missing number is false. A string is missing when
it is null or empty. An index is -1 when its value is missing or unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple

from aimass_compiler.expression import column_types
from aimass_compiler.expression.column_types import ColumnType


class Expression(Struct, frozen=True):
    """One operator over its operands."""

    @property
    def type(self) -> ColumnType:
        """What a row of the result holds."""
        raise NotImplementedError

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The expressions that this one reads."""
        found: list[Expression] = []
        for value in astuple(self):
            if isinstance(value, Expression):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(part for part in value if isinstance(part, Expression))
        return tuple(found)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each component of a vector means; empty for what is not a vector."""
        return ()


def columns_of(expression: Expression) -> Iterator[Column]:
    """The raw columns that an expression reads; what it holds twice is walked once."""
    walked: set[int] = set()
    waiting = [expression]
    while waiting:
        found = waiting.pop()
        if id(found) not in walked:
            walked.add(id(found))
            waiting.extend(found.operands)
            if isinstance(found, Column):
                yield found


class Column(Expression, frozen=True):
    """A raw column of the data."""

    name: str
    column_type: ColumnType

    @property
    def type(self) -> ColumnType:
        return self.column_type


class Constant(Expression, frozen=True):
    """A number or a string that is the same in every row; the number NaN means missing."""

    value: float | str

    @property
    def type(self) -> ColumnType:
        return column_types.CATEGORY if isinstance(self.value, str) else column_types.NUMBER


class Arithmetic(Expression, frozen=True):
    """Two numbers, or an image and a number, combined; `minimum` and `maximum` keep missing missing."""

    operator: Literal["add", "subtract", "multiply", "divide", "minimum", "maximum"]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER if self.left.type.is_single else self.left.type


class Function(Expression, frozen=True):
    """A function of one number; `log` of what is not positive or the root of what is negative is missing."""

    name: Literal["log", "absolute", "square_root", "floor", "sine", "cosine", "exponential"]
    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


class Comparison(Expression, frozen=True):
    """Whether two numbers, or two strings by equality, stand in this order; false when one is missing."""

    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.BOOLEAN


class Logical(Expression, frozen=True):
    """Two claims joined."""

    operator: Literal["and", "or"]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.BOOLEAN


class Not(Expression, frozen=True):
    """The opposite of a claim."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.BOOLEAN


class IsMissing(Expression, frozen=True):
    """Whether a number, string or index is missing."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.BOOLEAN


class Where(Expression, frozen=True):
    """One of two numbers, or of two strings, by a claim."""

    condition: Expression
    then: Expression
    otherwise: Expression

    @property
    def type(self) -> ColumnType:
        return self.otherwise.type if isinstance(self.then, Constant) else self.then.type


class AsNumber(Expression, frozen=True):
    """A claim as 0 or 1, or an index as its code, as a number."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


class Bucket(Expression, frozen=True):
    """How many of the ascending bounds a number reaches: an index of len(bounds) + 1 codes."""

    of: Expression
    bounds: tuple[float, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.Index(len(self.bounds) + 1)


class OutOfFold(Expression, frozen=True):
    """What is computed of any row and, for each fold of the training rows, what instead.

    Both engines compute `always`; `folds.in_training` makes of it what training rows become.
    """

    always: Expression
    folds: tuple[Expression, ...]

    @property
    def type(self) -> ColumnType:
        return self.always.type


class AtCode(Expression, frozen=True):
    """The number that stands at the place of an index's code; missing where the index is."""

    of: Expression
    values: tuple[float, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.NUMBER


class Lookup(Expression, frozen=True):
    """The place of a string among known terms, none empty and no two alike: an index of len(terms) codes."""

    of: Expression
    terms: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.Index(len(self.terms))


class Hash(Expression, frozen=True):
    """A string's MurmurHash3 (x86, 32 bits, seed 0, over UTF-8) modulo a size: an index.

    Source: Appleby, https://github.com/aappleby/smhasher; a missing string hashes like an empty one.
    """

    of: Expression
    size: int

    @property
    def type(self) -> ColumnType:
        return column_types.Index(self.size)


class Lower(Expression, frozen=True):
    """A string with A to Z in lower case; other letters stay, because engines disagree about them."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return self.of.type


class Joined(Expression, frozen=True):
    """Strings joined by the unit separator (U+001F); a missing one counts as empty."""

    parts: tuple[Expression, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.CATEGORY


SEPARATOR = "\x1f"


class CodeAsString(Expression, frozen=True):
    """An index as a string of digits, so that codes can be crossed with categories; missing becomes empty."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.CATEGORY


class Words(Expression, frozen=True):
    """The words of a string: what stands between spaces."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return column_types.TOKENS


class OneHot(Expression, frozen=True):
    """An index as a vector of zeros with a one at its code; all zeros where it is missing."""

    of: Expression
    names: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.Vector(len(self.names))

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names


class CountHashed(Expression, frozen=True):
    """How many words fall into each of `size` hash buckets: a vector."""

    of: Expression
    size: int
    prefix: str

    @property
    def type(self) -> ColumnType:
        return column_types.Vector(self.size)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}#{number}" for number in range(self.size))


class CountTerms(Expression, frozen=True):
    """How often each known word sequence occurs, times its weight: a vector.

    A term is its words joined by spaces; without weights, each is 1.
    """

    of: Expression
    terms: tuple[str, ...]
    prefix: str
    weights: tuple[float, ...] = ()

    @property
    def type(self) -> ColumnType:
        return column_types.Vector(len(self.terms))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}:{term}" for term in self.terms)


class Rescaled(Expression, frozen=True):
    """A series with a number subtracted from each of its channels, then multiplied by another; in float32."""

    of: Expression
    shifts: tuple[float, ...]
    factors: tuple[float, ...]

    @property
    def type(self) -> ColumnType:
        return self.of.type


#: What a sequence holds behind its words, and for a word that is no known one.
PADDING, UNKNOWN_WORD = 0, 1
_FIRST_WORD = 2


class TokenCodes(Expression, frozen=True):
    """The codes of the first `length` words, known ones from 2 in the order of `terms`, then padding."""

    of: Expression
    terms: tuple[str, ...]
    length: int

    @property
    def type(self) -> ColumnType:
        return column_types.Sequence(self.length, _FIRST_WORD + len(self.terms))

    @property
    def codes(self) -> tuple[int, ...]:
        """The code of each term."""
        return tuple(range(_FIRST_WORD, _FIRST_WORD + len(self.terms)))


class Pack(Expression, frozen=True):
    """Numbers, indexes and vectors side by side as one float32 vector."""

    parts: tuple[Expression, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.Vector(len(self.labels))

    @property
    def labels(self) -> tuple[str, ...]:
        found: list[str] = []
        for name, part in zip(self.names, self.parts, strict=True):
            found.extend((name,) if part.type.is_single else part.labels)
        return tuple(found)


class Gather(Expression, frozen=True):
    """Some components of a vector."""

    of: Expression
    places: tuple[int, ...]

    @property
    def type(self) -> ColumnType:
        return column_types.Vector(len(self.places))

    @property
    def labels(self) -> tuple[str, ...]:
        known = self.of.labels
        return tuple(known[place] for place in self.places)
