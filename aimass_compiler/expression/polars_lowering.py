"""The algebra as polars expressions: for learning, and for whole tables on one machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy
import polars
import polars_hash
from polars import selectors

from aimass_compiler.expression import polars_histories, polars_neighbors, polars_texts  # noqa: F401  # for `lower`
from aimass_compiler.expression.algebra import (
    PADDING,
    SEPARATOR,
    UNKNOWN_WORD,
    Arithmetic,
    AsNumber,
    AtCode,
    Bucket,
    CodeAsString,
    Column,
    Comparison,
    Constant,
    CountHashed,
    CountTerms,
    Expression,
    Function,
    Gather,
    Hash,
    IsMissing,
    Joined,
    Logical,
    Lookup,
    Not,
    OneHot,
    OutOfFold,
    Pack,
    Rescaled,
    TokenCodes,
    Where,
    Words,
)
from aimass_compiler.expression.operands import with_operands
from aimass_compiler.expression.polars_operators import lower

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["as_matrix", "flattened", "in_levels", "lower", "present", "sequences"]

#: How deep an expression may be before what is in it becomes a column of its own.
_DEEPEST = 3


def flattened(
    rows: polars.LazyFrame, expressions: Sequence[Expression]
) -> tuple[polars.LazyFrame, list[Expression]]:
    """The rows with what lies deep in the expressions as columns, and the expressions over those."""
    levels, results = in_levels(expressions)
    for level in levels:
        rows = rows.with_columns(level)
    return rows, results


def in_levels(expressions: Sequence[Expression]) -> tuple[list[list[polars.Expr]], list[Expression]]:
    """What lies deep in the expressions, as columns to add level by level, and the expressions over those.

    Operands stand several times in what polars computes (`fill_nan` alone is three), and polars
    expands them all: twenty transforms over one column would be more than memory holds.
    """
    known: dict[int, tuple[Expression, int]] = {}
    stages: dict[int, list[polars.Expr]] = {}

    def flat(expression: Expression) -> tuple[Expression, int]:
        if isinstance(expression, OutOfFold):
            return flat(expression.always)
        if id(expression) not in known:
            operands = [flat(operand) for operand in expression.operands]
            depth = max((depth + 1 for _, depth in operands), default=0)
            found = with_operands(expression, iter([operand for operand, _ in operands]))
            # A vector stays, because its labels are not a column's.
            if depth and depth % _DEEPEST == 0 and expression.type.is_single:
                name = f"\x1f{len(known)}"
                stages.setdefault(depth, []).append(lower(found).alias(name))
                found = Column(name, expression.type)
            known[id(expression)] = found, depth
        return known[id(expression)]

    results = [flat(expression)[0] for expression in expressions]
    return [stages[depth] for depth in sorted(stages)], results


@lower.register
def _(expression: Column) -> polars.Expr:
    # By name, because `polars.col` takes `*` and `^…$` for patterns.
    return expression.type.read(selectors.by_name(expression.name).as_expr())


@lower.register
def _(expression: Constant) -> polars.Expr:
    if isinstance(expression.value, str):
        return polars.lit(expression.value or None, dtype=polars.String)
    return polars.lit(None if math.isnan(expression.value) else expression.value, dtype=polars.Float64)


_ARITHMETIC: dict[str, Callable[[polars.Expr, polars.Expr], polars.Expr]] = {
    "add": lambda left, right: left + right,
    "subtract": lambda left, right: left - right,
    "multiply": lambda left, right: left * right,
    "divide": lambda left, right: polars.when(right != 0).then(left / right),
    "minimum": lambda left, right: polars.when(right < left).then(right).when(right.is_not_null()).then(left),
    "maximum": lambda left, right: polars.when(right > left).then(right).when(right.is_not_null()).then(left),
}


@lower.register
def _(expression: Arithmetic) -> polars.Expr:
    left, right = lower(expression.left), lower(expression.right)
    if not expression.type.is_single:
        result = _ARITHMETIC[expression.operator](left, right.cast(polars.Float32))
        return result.cast(expression.type.dtype)
    return _ARITHMETIC[expression.operator](left, right).fill_nan(None)


_FUNCTIONS: dict[str, Callable[[polars.Expr], polars.Expr]] = {
    "log": lambda value: polars.when(value > 0).then(value).log(),
    "absolute": lambda value: value.abs(),
    "square_root": lambda value: polars.when(value >= 0).then(value).sqrt(),
    "floor": lambda value: value.floor(),
    "sine": lambda value: value.sin(),
    "cosine": lambda value: value.cos(),
    "exponential": lambda value: value.exp(),
}


@lower.register
def _(expression: Function) -> polars.Expr:
    return _FUNCTIONS[expression.name](lower(expression.of))


_COMPARISONS: dict[str, Callable[[polars.Expr, polars.Expr], polars.Expr]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


@lower.register
def _(expression: Comparison) -> polars.Expr:
    claim = _COMPARISONS[expression.operator](lower(expression.left), lower(expression.right))
    return claim.fill_null(value=False)


@lower.register
def _(expression: Logical) -> polars.Expr:
    left, right = lower(expression.left), lower(expression.right)
    return left & right if expression.operator == "and" else left | right


@lower.register
def _(expression: Not) -> polars.Expr:
    return ~lower(expression.of)


@lower.register
def _(expression: IsMissing) -> polars.Expr:
    value = lower(expression.of)
    return value < 0 if expression.of.type.dtype.is_integer() else value.is_null()


@lower.register
def _(expression: Where) -> polars.Expr:
    then, otherwise = lower(expression.then), lower(expression.otherwise)
    return polars.when(lower(expression.condition)).then(then).otherwise(otherwise)


@lower.register
def _(expression: AsNumber) -> polars.Expr:
    return lower(expression.of).cast(polars.Float64)


@lower.register
def _(expression: Bucket) -> polars.Expr:
    bounds = numpy.asarray(expression.bounds, dtype=numpy.float64)

    def count(values: polars.Series) -> polars.Series:
        numbers = values.cast(polars.Float64).to_numpy()
        reached = numpy.searchsorted(bounds, numbers, side="right")
        return polars.Series(numpy.where(numpy.isnan(numbers), -1, reached).astype(numpy.int64))

    return lower(expression.of).map_batches(count, return_dtype=polars.Int64, is_elementwise=True)


@lower.register
def _(expression: OutOfFold) -> polars.Expr:
    return lower(expression.always)


@lower.register
def _(expression: AtCode) -> polars.Expr:
    values = numpy.asarray([*expression.values, math.nan], dtype=numpy.float64)

    def take(codes: polars.Series) -> polars.Series:
        return polars.Series(values[codes.to_numpy()]).fill_nan(None)  # the code -1 takes the last one

    return lower(expression.of).map_batches(take, return_dtype=polars.Float64, is_elementwise=True)


@lower.register
def _(expression: Lookup) -> polars.Expr:
    # An Enum numbers its values in their order, and finds them in half the time of `replace_strict`.
    known = lower(expression.of).cast(polars.Enum(expression.terms), strict=False)
    return known.to_physical().cast(polars.Int64).fill_null(-1)


def _hashed(text: polars.Expr, size: int) -> polars.Expr:
    hashes = polars_hash.HExpr._from_pyexpr(text.fill_null("")._pyexpr)  # noqa: SLF001  # polars-hash has no public cast
    codes: polars.Expr = hashes.nchash.murmur32().cast(polars.Int64) % size
    return codes


@lower.register
def _(expression: Hash) -> polars.Expr:
    return _hashed(lower(expression.of), expression.size)


@lower.register
def _(expression: Joined) -> polars.Expr:
    joined = polars.concat_str([lower(part).fill_null("") for part in expression.parts], separator=SEPARATOR)
    return polars.when(joined != "").then(joined)


@lower.register
def _(expression: CodeAsString) -> polars.Expr:
    code = lower(expression.of)
    return polars.when(code >= 0).then(code.cast(polars.String))


@lower.register
def _(expression: Words) -> polars.Expr:
    words = _split(expression)
    return words.list.eval(polars.when(polars.element() != "").then(polars.element())).list.drop_nulls()


def sequences(words: polars.Expr, length: int) -> polars.Expr:
    """All runs of `length` words, each joined by spaces, in a list a row."""
    run = polars.concat_str([polars.element().shift(-step) for step in range(length)], separator=" ")
    return words.list.eval(run.drop_nulls())


def _vectors(
    values: polars.Expr, size: int, fill: Callable[[polars.Series, NDArray[numpy.float32]], None]
) -> polars.Expr:
    """A float32 vector a row, filled by a function of the whole column."""

    def batch(column: polars.Series) -> polars.Series:
        matrix = numpy.zeros((len(column), size), dtype=numpy.float32)
        fill(column, matrix)
        return polars.Series(matrix, dtype=polars.Array(polars.Float32, size))

    return values.map_batches(batch, return_dtype=polars.Array(polars.Float32, size), is_elementwise=True)


@lower.register
def _(expression: OneHot) -> polars.Expr:
    size = len(expression.names)

    def fill(codes: polars.Series, matrix: NDArray[numpy.float32]) -> None:
        places = codes.to_numpy()
        known = (places >= 0) & (places < size)
        matrix[numpy.flatnonzero(known), places[known]] = 1

    return _vectors(lower(expression.of), size, fill)


def _count(rows: NDArray[Any], places: NDArray[Any], matrix: NDArray[numpy.float32]) -> None:
    # By flat places and a number of the matrix's own kind, NumPy takes a sixth of the time.
    flat = rows.astype(numpy.int64) * matrix.shape[1] + places
    numpy.add.at(matrix.reshape(-1), flat, numpy.float32(1))


@lower.register
def _(expression: CountHashed) -> polars.Expr:
    def fill(words: polars.Series, matrix: NDArray[numpy.float32]) -> None:
        table = words.rename("word").to_frame()
        rows = numpy.repeat(numpy.arange(len(words)), table["word"].list.len().to_numpy())
        each = table.select(polars.col("word").explode(empty_as_null=False))
        codes = each.select(_hashed(polars.col("word"), expression.size)).to_series().to_numpy()
        is_word = (each["word"] != "").to_numpy()
        _count(rows[is_word], codes[is_word], matrix)

    return _vectors(_split(expression.of), expression.size, fill)


def _split(words: Expression) -> polars.Expr:
    """The words of each row, and perhaps empty strings among them, which take long to remove."""
    return lower(words.of).fill_null("").str.split(" ") if isinstance(words, Words) else lower(words)


@lower.register
def _(expression: CountTerms) -> polars.Expr:
    terms = list(expression.terms)
    lengths = sorted({term.count(" ") + 1 for term in terms})

    def fill(words: polars.Series, matrix: NDArray[numpy.float32]) -> None:
        table = words.alias("words").to_frame().with_row_index("row")
        for length in lengths:
            found = table.select("row", term=sequences(polars.col("words"), length)).explode("term")
            places = polars.col("term").replace_strict(
                terms, range(len(terms)), default=None, return_dtype=polars.Int64
            )
            counted = found.select("row", place=places).drop_nulls()
            _count(counted["row"].to_numpy(), counted["place"].to_numpy(), matrix)
        if expression.weights:
            matrix *= numpy.asarray(expression.weights, dtype=numpy.float32)

    return _vectors(lower(expression.of), len(expression.terms), fill)


@lower.register
def _(expression: Rescaled) -> polars.Expr:
    shifts = numpy.array(expression.shifts, numpy.float32)
    factors = numpy.array(expression.factors, numpy.float32)
    kind = expression.type.dtype

    def batch(series: polars.Series) -> polars.Series:
        values = series.to_numpy().reshape(len(series), -1, len(shifts))
        return polars.Series(((values - shifts) * factors).reshape(len(series), -1), dtype=kind)

    return lower(expression.of).map_batches(batch, return_dtype=kind, is_elementwise=True)


@lower.register
def _(expression: TokenCodes) -> polars.Expr:
    kind = polars.Array(polars.Int64, expression.length)

    def batch(words: polars.Series) -> polars.Series:
        matrix = numpy.full((len(words), expression.length), PADDING, dtype=numpy.int64)
        first = words.rename("word").list.head(expression.length)
        known = polars.col("word").replace_strict(
            list(expression.terms), list(expression.codes), default=UNKNOWN_WORD, return_dtype=polars.Int64
        )
        table = first.to_frame().explode("word").drop_nulls().select(known)
        is_word = numpy.arange(expression.length) < first.list.len().to_numpy()[:, None]
        matrix[is_word] = table["word"].to_numpy()
        return polars.Series(matrix, dtype=kind)

    return lower(expression.of).map_batches(batch, return_dtype=kind, is_elementwise=True)


def as_matrix(column: polars.Series) -> NDArray[numpy.float32]:
    """A column of numbers or vectors as float32, [N, K]."""
    with numpy.errstate(over="ignore"):  # what float32 cannot hold is infinite, as in ONNX
        values = column.to_numpy().astype(numpy.float32, copy=False)
    return values if values.ndim > 1 else values.reshape(-1, 1)


@lower.register
def _(expression: Pack) -> polars.Expr:
    size = len(expression.labels)
    parts = [present(part).alias(f"part{place}") for place, part in enumerate(expression.parts)]
    packed = polars.struct(parts or [polars.int_range(polars.len())])

    def fill(packed: polars.Series, matrix: NDArray[numpy.float32]) -> None:
        if len(packed) and size:
            matrix[:] = numpy.hstack([as_matrix(part) for part in packed.struct.unnest()])

    return _vectors(packed, size, fill)


def present(part: Expression) -> polars.Expr:
    """A part of a vector, with what is missing as in a tensor."""
    value = lower(part)
    return value.fill_null(part.type.missing) if part.type.is_single else value


@lower.register
def _(expression: Gather) -> polars.Expr:
    def fill(vectors: polars.Series, matrix: NDArray[numpy.float32]) -> None:
        matrix[:] = vectors.to_numpy()[:, list(expression.places)]

    return _vectors(lower(expression.of), len(expression.places), fill)
