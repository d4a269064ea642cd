"""The operators that a feature is computed with: values, so that every engine can read them.

Missing values have one meaning everywhere. A number may be missing (null in polars, NaN in
ONNX); arithmetic with a missing number is missing, and so are a quotient by zero and every other
result that is not a number; a comparison with a missing number is false. A string is missing when
it is null or empty. An index is -1 when its value is missing or unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from aimass_compiler.expression import types
from aimass_compiler.expression.types import ColumnType


@dataclass(frozen=True)
class Expression:
    """One operator over its operands."""

    @property
    def type(self) -> ColumnType:
        """What a row of the result holds."""
        raise NotImplementedError

    @property
    def operands(self) -> tuple[Expression, ...]:
        """The expressions that this one reads."""
        found: list[Expression] = []
        for field in fields(self):
            value = getattr(self, field.name)
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


@dataclass(frozen=True)
class Column(Expression):
    """A raw column of the data."""

    name: str
    column_type: ColumnType

    @property
    def type(self) -> ColumnType:
        return self.column_type


@dataclass(frozen=True)
class Constant(Expression):
    """A number or a string that is the same in every row; the number NaN means missing."""

    value: float | str

    @property
    def type(self) -> ColumnType:
        return types.CATEGORY if isinstance(self.value, str) else types.NUMBER


@dataclass(frozen=True)
class Arithmetic(Expression):
    """Two numbers, or an image and a number, combined; `minimum` and `maximum` keep missing missing."""

    operator: Literal["add", "subtract", "multiply", "divide", "minimum", "maximum"]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return self.left.type if self.left.type.name == "image" else types.NUMBER


@dataclass(frozen=True)
class Function(Expression):
    """A function of one number; `log` of what is not positive or the root of what is negative is missing."""

    name: Literal["log", "absolute", "square_root", "floor"]
    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.NUMBER


@dataclass(frozen=True)
class Comparison(Expression):
    """Whether two numbers, or two strings by equality, stand in this order; false when one is missing."""

    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return types.BOOLEAN


@dataclass(frozen=True)
class Logical(Expression):
    """Two claims joined."""

    operator: Literal["and", "or"]
    left: Expression
    right: Expression

    @property
    def type(self) -> ColumnType:
        return types.BOOLEAN


@dataclass(frozen=True)
class Not(Expression):
    """The opposite of a claim."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.BOOLEAN


@dataclass(frozen=True)
class IsMissing(Expression):
    """Whether a number, string or index is missing."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.BOOLEAN


@dataclass(frozen=True)
class Where(Expression):
    """One of two numbers, or of two strings, by a claim."""

    condition: Expression
    then: Expression
    otherwise: Expression

    @property
    def type(self) -> ColumnType:
        return self.otherwise.type if isinstance(self.then, Constant) else self.then.type


@dataclass(frozen=True)
class AsNumber(Expression):
    """A claim as 0 or 1, or an index as its code, as a number."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.NUMBER


@dataclass(frozen=True)
class Bucket(Expression):
    """How many of the ascending bounds a number reaches: an index of len(bounds) + 1 codes."""

    of: Expression
    bounds: tuple[float, ...]

    @property
    def type(self) -> ColumnType:
        return types.index(len(self.bounds) + 1)


@dataclass(frozen=True)
class Lookup(Expression):
    """The place of a string among known terms, none empty and no two alike: an index of len(terms) codes."""

    of: Expression
    terms: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return types.index(len(self.terms))


@dataclass(frozen=True)
class Hash(Expression):
    """A string's MurmurHash3 (x86, 32 bits, seed 0, over UTF-8) modulo a size: an index.

    Source: Appleby, https://github.com/aappleby/smhasher; a missing string hashes like an empty one.
    """

    of: Expression
    size: int

    @property
    def type(self) -> ColumnType:
        return types.index(self.size)


@dataclass(frozen=True)
class Lower(Expression):
    """A string with A to Z in lower case; other letters stay, because engines disagree about them."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return self.of.type


@dataclass(frozen=True)
class Joined(Expression):
    """Strings joined by the unit separator (U+001F); a missing one counts as empty."""

    parts: tuple[Expression, ...]

    @property
    def type(self) -> ColumnType:
        return types.CATEGORY


SEPARATOR = "\x1f"


@dataclass(frozen=True)
class CodeAsString(Expression):
    """An index as a string of digits, so that codes can be crossed with names; missing becomes empty."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.CATEGORY


@dataclass(frozen=True)
class Words(Expression):
    """The words of a string: what stands between spaces."""

    of: Expression

    @property
    def type(self) -> ColumnType:
        return types.TOKENS


@dataclass(frozen=True)
class OneHot(Expression):
    """An index as a vector of zeros with a one at its code; all zeros where it is missing."""

    of: Expression
    names: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return types.vector(len(self.names))

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names


@dataclass(frozen=True)
class CountHashed(Expression):
    """How many words fall into each of `size` hash buckets: a vector."""

    of: Expression
    size: int
    prefix: str

    @property
    def type(self) -> ColumnType:
        return types.vector(self.size)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}#{number}" for number in range(self.size))


@dataclass(frozen=True)
class CountTerms(Expression):
    """How often each known word sequence occurs: a vector. A term is its words joined by spaces."""

    of: Expression
    terms: tuple[str, ...]
    prefix: str

    @property
    def type(self) -> ColumnType:
        return types.vector(len(self.terms))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}:{term}" for term in self.terms)


@dataclass(frozen=True)
class Pack(Expression):
    """Numbers, indexes and vectors side by side as one float32 vector."""

    parts: tuple[Expression, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> ColumnType:
        return types.vector(len(self.labels))

    @property
    def labels(self) -> tuple[str, ...]:
        found: list[str] = []
        for name, part in zip(self.names, self.parts, strict=True):
            found.extend(part.labels if part.type.name == "vector" else (name,))
        return tuple(found)


@dataclass(frozen=True)
class Gather(Expression):
    """Some components of a vector."""

    of: Expression
    places: tuple[int, ...]

    @property
    def type(self) -> ColumnType:
        return types.vector(len(self.places))

    @property
    def labels(self) -> tuple[str, ...]:
        known = self.of.labels
        return tuple(known[place] for place in self.places)
