"""Any expression of the algebra: for each operator, how hypothesis makes one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from aimass_compiler.expression import algebra
from aimass_compiler.expression.algebra import Constant, Expression, columns_of
from aimass_compiler.expression.column_types import NumberSeries
from tests.expression.both import NUMBERS, STRINGS, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    Expressions = SearchStrategy[Expression]

SERIES = algebra.Column("load", NumberSeries((2, 2)))
_SIZES = st.integers(1, 7)
_TERMS = st.lists(words.filter(lambda word: word.strip(" ") != ""), max_size=4, unique=True).map(tuple)
_RUNS = st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), max_size=5, unique=True).map(tuple)
_BOUNDS = st.lists(st.floats(allow_nan=False), max_size=5, unique_by=lambda bound: bound + 0.0)
# onnxruntime takes a lone constant for 0 or 1 that float32 cannot tell from it, and leaves its operator out.
# A factor is guarded against that, and has a test of its own; a constant that two constants make is not.
_FINITE = st.one_of(
    st.sampled_from([0.0, 1.0, -2.5]),
    st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda value: value in (0, 1) or (abs(value) > 1e-44 and abs(value - 1) > 1e-7)
    ),
)


def _reads_a_column(expression: Expression) -> bool:
    return any(True for _ in columns_of(expression))


def make(kind: type[Expression], depth: int = 2) -> Expressions:
    """Any expression whose outermost operator is `kind`, over operands that are at most `depth` deep."""
    return BY_OPERATOR[kind](depth)


@cache
def number(depth: int) -> Expressions:
    leaves = [st.sampled_from(NUMBERS), st.one_of(_FINITE, st.just(float("nan"))).map(Constant)]
    if depth == 0:
        return st.one_of(leaves)
    # A logarithm is not the same to the last bit in both engines, so it stands only outside.
    inner = [_arithmetic(depth), _roots(depth), _chosen(depth, number), make(algebra.AsNumber, depth - 1)]
    return st.one_of(*leaves, *inner)


def _of_rows(expressions: Expressions) -> Expressions:
    """Those that read a column: the folds of a constant would be of no rows."""
    return expressions.filter(lambda each: any(True for _ in algebra.columns_of(each)))


@cache
def string(depth: int) -> Expressions:
    leaves = [st.sampled_from(STRINGS), st.one_of(words, st.just("")).map(Constant)]
    if depth == 0:
        return st.one_of(leaves)
    inner = [make(kind, depth - 1) for kind in (algebra.Lower, algebra.Joined, algebra.CodeAsString)]
    return st.one_of(*leaves, _chosen(depth, string), *inner)


@cache
def claim(depth: int) -> Expressions:
    kinds = [algebra.Comparison, algebra.IsMissing, *([algebra.Logical, algebra.Not] if depth else [])]
    return st.one_of([make(kind, max(depth - 1, 0)) for kind in kinds])


@cache
def index(depth: int) -> Expressions:
    return st.one_of(
        [make(kind, max(depth - 1, 0)) for kind in (algebra.Bucket, algebra.Lookup, algebra.Hash)]
    )


@cache
def vector(depth: int) -> Expressions:
    kinds = [algebra.OneHot, algebra.CountHashed, algebra.CountTerms]
    kinds += [algebra.Pack, algebra.Gather] if depth else []
    return st.one_of([make(kind, max(depth - 1, 0)) for kind in kinds])


def _arithmetic(depth: int) -> Expressions:
    operators = st.sampled_from(["add", "subtract", "multiply", "minimum", "maximum"])
    side = number(depth - 1)
    # By a constant nothing is divided: who builds an expression multiplies by the reciprocal.
    quotient = st.builds(algebra.Arithmetic, st.just("divide"), side, side.filter(_reads_a_column))
    return st.one_of(st.builds(algebra.Arithmetic, operators, side, side), quotient)


def _roots(depth: int) -> Expressions:
    return st.builds(
        algebra.Function, st.sampled_from(["absolute", "square_root", "floor"]), number(depth - 1)
    )


def _chosen(depth: int, side: Callable[[int], Expressions]) -> Expressions:
    return st.builds(algebra.Where, claim(depth - 1), side(depth - 1), side(depth - 1))


def _comparison(depth: int) -> Expressions:
    orders = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    return st.one_of(
        st.builds(algebra.Comparison, orders, number(depth), number(depth)),
        st.builds(algebra.Comparison, st.sampled_from(["==", "!="]), string(depth), string(depth)),
    )


def _words_of(terms: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(term for term in terms if " " not in term)


@st.composite
def _one_hot(draw: st.DrawFn, depth: int) -> Expression:
    of = draw(index(depth))
    size = (of.type.codes or 0) + draw(st.integers(-1, 1))
    return algebra.OneHot(of, tuple(f"x={code}" for code in range(max(size, 0))))


@st.composite
def _at_code(draw: st.DrawFn, depth: int) -> Expression:
    of = draw(index(depth))
    codes = of.type.codes or 0
    values = draw(st.lists(st.floats(allow_nan=False), min_size=codes, max_size=codes))
    return algebra.AtCode(of, tuple(values))


@st.composite
def _gather(draw: st.DrawFn, depth: int) -> Expression:
    of = draw(vector(depth).filter(lambda expression: expression.type.components != 0))
    places = st.lists(st.integers(0, (of.type.components or 1) - 1), min_size=1, max_size=5)
    return algebra.Gather(of, tuple(draw(places)))


@st.composite
def _pack(draw: st.DrawFn, depth: int) -> Expression:
    parts = draw(st.lists(st.one_of(number(depth), index(depth), vector(depth)), min_size=1, max_size=5))
    return algebra.Pack(tuple(parts), tuple(f"part {place}" for place in range(len(parts))))


#: How to make each operator of the algebra, by the depth of its operands; a test says when one lacks.
BY_OPERATOR: dict[type[Expression], Callable[[int], Expressions]] = {
    algebra.Column: lambda _: st.sampled_from([*NUMBERS, *STRINGS]),
    algebra.Constant: lambda _: st.one_of(_FINITE, words).map(Constant),
    algebra.Arithmetic: lambda depth: _arithmetic(depth + 1),
    algebra.Function: lambda depth: st.one_of(
        _roots(depth + 1), st.builds(algebra.Function, st.just("log"), number(depth))
    ),
    algebra.Comparison: _comparison,
    algebra.Logical: lambda depth: st.builds(
        algebra.Logical, st.sampled_from(["and", "or"]), claim(depth), claim(depth)
    ),
    algebra.Not: lambda depth: st.builds(algebra.Not, claim(depth)),
    algebra.IsMissing: lambda depth: st.builds(
        algebra.IsMissing, st.one_of(number(depth), string(depth), *([index(depth)] if depth else []))
    ),
    algebra.Where: lambda depth: st.one_of(_chosen(depth + 1, number), _chosen(depth + 1, string)),
    algebra.AsNumber: lambda depth: st.builds(algebra.AsNumber, st.one_of(claim(depth), index(depth))),
    algebra.Bucket: lambda depth: st.builds(
        algebra.Bucket, number(depth), _BOUNDS.map(lambda bounds: tuple(sorted(bounds)))
    ),
    algebra.AtCode: _at_code,
    algebra.OutOfFold: lambda depth: _of_rows(number(depth)).flatmap(
        lambda always: st.lists(number(depth), max_size=2).map(
            lambda folds: algebra.OutOfFold(always, tuple(folds))
        )
    ),
    algebra.Lookup: lambda depth: st.builds(algebra.Lookup, string(depth), _TERMS),
    algebra.Hash: lambda depth: st.builds(algebra.Hash, string(depth), _SIZES),
    algebra.Lower: lambda depth: st.builds(algebra.Lower, string(depth)),
    algebra.Joined: lambda depth: st.builds(
        algebra.Joined, st.lists(string(depth), min_size=1, max_size=3).map(tuple)
    ),
    algebra.CodeAsString: lambda depth: st.builds(algebra.CodeAsString, index(depth)),
    algebra.Words: lambda depth: st.builds(algebra.Words, string(depth)),
    algebra.OneHot: _one_hot,
    algebra.CountHashed: lambda depth: st.builds(
        algebra.CountHashed, make(algebra.Words, depth), _SIZES, st.just("w")
    ),
    algebra.CountTerms: lambda depth: st.builds(
        algebra.CountTerms, make(algebra.Words, depth), _RUNS, st.just("w")
    ),
    algebra.Rescaled: lambda _: st.just(algebra.Rescaled(SERIES, (1.0, -0.5), (1 / 3, 2.0))),
    algebra.TokenCodes: lambda depth: st.builds(
        algebra.TokenCodes, make(algebra.Words, depth), _TERMS.map(_words_of), _SIZES
    ),
    algebra.Pack: _pack,
    algebra.Gather: _gather,
}
