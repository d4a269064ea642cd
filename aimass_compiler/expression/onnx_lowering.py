"""The algebra as an ONNX graph: what serving runs, and what batch prediction is held against.

Every row value is a tensor of two axes, [N, k]: expressions of one shape over several columns
become one node over all of them, because at one row a request the number of nodes is the cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy
import onnx
from onnx import TensorProto

from aimass_compiler import conventions
from aimass_compiler.expression.algebra import (
    SEPARATOR,
    Arithmetic,
    AsNumber,
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
    Lower,
    Not,
    OneHot,
    Pack,
    Where,
    Words,
    columns_of,
)
from aimass_compiler.expression.onnx_graph import Graph, Inputs

_ARITHMETIC = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div"}
_FUNCTIONS = {"absolute": "Abs", "floor": "Floor"}
_COMPARISONS = {
    "<": "Less",
    "<=": "LessOrEqual",
    ">": "Greater",
    ">=": "GreaterOrEqual",
    "==": "Equal",
    "!=": "Equal",
}


@dataclass
class Lowered(Graph):
    """A graph that knows what it computes: an expression that was lowered once is used again."""

    #: By identity, because to compare expressions is to walk them; the parts are held so that none is reused.
    known: dict[tuple[int, ...], tuple[str, tuple[Expression, ...]]] = field(default_factory=dict)

    def row(self, parts: tuple[Expression, ...]) -> str:
        """Several values of one type side by side, [N, k]."""
        key = tuple(id(part) for part in parts)
        if key not in self.known:
            self.known[key] = self._row(parts), parts
        return self.known[key][0]

    def one(self, expression: Expression) -> str:
        return self.row((expression,))

    def full(self, parts: tuple[Expression, ...]) -> str:
        """The same with all of its rows: constants alone have only one."""
        value = self.row(parts)
        if any(True for part in parts for _ in columns_of(part)):
            return value
        shape = self.node("Concat", [self.row_count(), self.constant([len(parts)], numpy.int64)], axis=0)
        return self.node("Expand", [value, shape])

    def _row(self, parts: tuple[Expression, ...]) -> str:
        runs = [tuple(run) for _, run in groupby(parts, key=_shape_of)]
        if len(runs) == 1:
            return _LOWERINGS[type(parts[0])](self, parts)
        return self.node("Concat", [self.full(run) for run in runs], axis=1)


_KINDS = {"vector": TensorProto.FLOAT, "image": TensorProto.FLOAT, "index": TensorProto.INT64}
_KINDS |= {"boolean": TensorProto.BOOL} | dict.fromkeys(("category", "text"), TensorProto.STRING)


def lower(expression: Expression, inputs: Inputs, name: str = "features") -> onnx.ModelProto:
    """The graph that computes an expression: float32 for vectors and images, float64 for numbers."""
    graph = Lowered(inputs, name)
    result = graph.full((expression,))
    kind = expression.type
    width = kind.size if kind.name == "vector" else 1
    return graph.finish(result, _KINDS.get(kind.name, TensorProto.DOUBLE), kind.shape or (width,))


def _shape_of(expression: Expression) -> tuple[Any, ...]:
    """What two expressions must share to be computed by one node."""
    own: list[Any] = [type(expression)]
    if isinstance(expression, Column):
        own.append(
            "number" if expression.type.name == "number" else expression.type.is_string or expression.name
        )
    elif isinstance(expression, Constant):
        own.append(type(expression.value) is str)
    elif isinstance(expression, (OneHot, CountHashed, CountTerms, Pack, Gather, Words, Lookup, Joined)):
        own.append(id(expression))
    else:
        kinds = ("operator", "name", "size")
        own.extend(getattr(expression, name) for name in expression.__struct_fields__ if name in kinds)
        own.append(tuple(operand.type.is_string or operand.type.name for operand in expression.operands))
    return tuple(own)


Lowering = Callable[[Lowered, Any], str]
_LOWERINGS: dict[type[Expression], Lowering] = {}


def _lowers(kind: type[Expression]) -> Callable[[Lowering], Lowering]:
    def register(function: Lowering) -> Lowering:
        _LOWERINGS[kind] = function
        return function

    return register


@_lowers(Column)
def _column(graph: Lowered, parts: tuple[Column, ...]) -> str:
    if parts[0].type.name == "image":
        return parts[0].name
    known, source = graph.inputs.strings, conventions.STRINGS_TENSOR
    if parts[0].type.name == "number":
        known, source = graph.inputs.numbers, conventions.NUMBERS_TENSOR
    places = [known.index(part.name) for part in parts]
    if places == list(range(len(known))):
        return source
    return graph.node("Gather", [source, graph.constant(places, numpy.int64)], axis=1)


@_lowers(Constant)
def _constant(graph: Lowered, parts: tuple[Constant, ...]) -> str:
    values = [part.value for part in parts]
    return graph.constant([values], object if isinstance(values[0], str) else numpy.float64)


@_lowers(Arithmetic)
def _arithmetic(graph: Lowered, parts: tuple[Arithmetic, ...]) -> str:
    operator = parts[0].operator
    left = graph.row(tuple(part.left for part in parts))
    if parts[0].type.name == "image":
        right = graph.constant(parts[0].right.value, numpy.float32)  # type: ignore[attr-defined]  # images meet constants only
        return graph.node(_ARITHMETIC[operator], [left, right])
    if len(parts) == 1 and operator == "multiply":
        for factor, other in ((parts[0].right, parts[0].left), (parts[0].left, parts[0].right)):
            if _passes_for_one(factor):
                doubled = Arithmetic("multiply", other, Constant(2 * factor.value))  # type: ignore[attr-defined]  # a number
                return graph.node("Mul", [graph.one(doubled), graph.constant([[0.5]], numpy.float64)])
    right = graph.row(tuple(part.right for part in parts))
    if operator in ("minimum", "maximum"):
        compare = "Less" if operator == "minimum" else "Greater"
        takes_right = graph.node("Or", [graph.node(compare, [right, left]), graph.node("IsNaN", [right])])
        return graph.node("Where", [takes_right, right, left])
    if operator == "divide":
        missing, zero = graph.constant(math.nan, numpy.float64), graph.constant(0.0, numpy.float64)
        right = graph.node("Where", [graph.node("Equal", [right, zero]), missing, right])
    return graph.node(_ARITHMETIC[operator], [left, right])


def _passes_for_one(factor: Expression) -> bool:
    """Whether onnxruntime would leave out a multiplication: it looks at a lone factor as a float32.

    Twice the factor and then half the product gives the same double, and is left in.
    """
    if not isinstance(factor, Constant) or isinstance(factor.value, str):
        return False
    return 0 < abs(factor.value - 1) < float(numpy.finfo(numpy.float32).eps)


@_lowers(Function)
def _function(graph: Lowered, parts: tuple[Function, ...]) -> str:
    value = graph.row(tuple(part.of for part in parts))
    name = parts[0].name
    if name in _FUNCTIONS:
        return graph.node(_FUNCTIONS[name], [value])
    zero, missing = graph.constant(0.0, numpy.float64), graph.constant(math.nan, numpy.float64)
    compare, operator = ("Greater", "Log") if name == "log" else ("GreaterOrEqual", "Sqrt")
    inside = graph.node("Where", [graph.node(compare, [value, zero]), value, missing])
    return graph.node(operator, [inside])


def _missing(graph: Lowered, value: str, expression: Expression) -> str:
    if expression.type.is_string:
        return graph.node("Equal", [value, graph.constant("", object)])
    if expression.type.name == "index":
        return graph.node("Less", [value, graph.constant(0, numpy.int64)])
    return graph.node("IsNaN", [value])


@_lowers(Comparison)
def _comparison(graph: Lowered, parts: tuple[Comparison, ...]) -> str:
    sides = tuple(part.left for part in parts), tuple(part.right for part in parts)
    left, right = graph.row(sides[0]), graph.row(sides[1])
    claim = graph.node(_COMPARISONS[parts[0].operator], [left, right])
    is_unequal = parts[0].operator == "!="
    if is_unequal:
        claim = graph.node("Not", [claim])
    if not is_unequal and not sides[0][0].type.is_string:
        return claim
    for value, expressions in ((left, sides[0]), (right, sides[1])):
        present = graph.node("Not", [_missing(graph, value, expressions[0])])
        claim = graph.node("And", [claim, present])
    return claim


@_lowers(Logical)
def _logical(graph: Lowered, parts: tuple[Logical, ...]) -> str:
    sides = [graph.row(tuple(part.left for part in parts)), graph.row(tuple(part.right for part in parts))]
    return graph.node("And" if parts[0].operator == "and" else "Or", sides)


@_lowers(Not)
def _not(graph: Lowered, parts: tuple[Not, ...]) -> str:
    return graph.node("Not", [graph.row(tuple(part.of for part in parts))])


@_lowers(IsMissing)
def _is_missing(graph: Lowered, parts: tuple[IsMissing, ...]) -> str:
    return _missing(graph, graph.row(tuple(part.of for part in parts)), parts[0].of)


@_lowers(Where)
def _where(graph: Lowered, parts: tuple[Where, ...]) -> str:
    condition = graph.row(tuple(part.condition for part in parts))
    then = graph.row(tuple(part.then for part in parts))
    return graph.node("Where", [condition, then, graph.row(tuple(part.otherwise for part in parts))])


@_lowers(AsNumber)
def _as_number(graph: Lowered, parts: tuple[AsNumber, ...]) -> str:
    return graph.cast(graph.row(tuple(part.of for part in parts)), TensorProto.DOUBLE)


@_lowers(Bucket)
def _bucket(graph: Lowered, parts: tuple[Bucket, ...]) -> str:
    value = graph.row(tuple(part.of for part in parts))
    # Shorter lists of bounds are filled with NaN, which no number reaches.
    longest = max(1, *(len(part.bounds) for part in parts))
    bounds = [[*part.bounds, *[math.nan] * (longest - len(part.bounds))] for part in parts]
    wide = graph.node("Unsqueeze", [value, graph.constant([2], numpy.int64)])
    reached = graph.cast(
        graph.node("GreaterOrEqual", [wide, graph.constant([bounds], numpy.float64)]), TensorProto.INT64
    )
    count = graph.node("ReduceSum", [reached, graph.constant([2], numpy.int64)], keepdims=0)
    return graph.node("Where", [graph.node("IsNaN", [value]), graph.constant(-1, numpy.int64), count])


def _rows_of(graph: Lowered, value: float, kind: type[numpy.generic], width: int) -> str:
    """The same value in every row, [N, width]."""
    shape = graph.node("Concat", [graph.row_count(), graph.constant([width], numpy.int64)], axis=0)
    return graph.node("Expand", [graph.constant([[value]], kind), shape])


@_lowers(Lookup)
def _lookup(graph: Lowered, parts: tuple[Lookup, ...]) -> str:
    (part,) = parts
    if not part.terms:
        return _rows_of(graph, -1, numpy.int64, 1)
    return graph.node(
        "LabelEncoder",
        [graph.one(part.of)],
        domain="ai.onnx.ml",
        keys_strings=list(part.terms),
        values_int64s=list(range(len(part.terms))),
        default_int64=-1,
    )


def _hashed(graph: Lowered, text: str, size: int) -> str:
    hashes = graph.node("MurmurHash3", [text], domain="com.microsoft", positive=1, seed=0)
    return graph.node("Mod", [graph.cast(hashes, TensorProto.INT64), graph.constant(size, numpy.int64)])


@_lowers(Hash)
def _hash(graph: Lowered, parts: tuple[Hash, ...]) -> str:
    return _hashed(graph, graph.row(tuple(part.of for part in parts)), parts[0].size)


@_lowers(Lower)
def _lower(graph: Lowered, parts: tuple[Lower, ...]) -> str:
    text = graph.row(tuple(part.of for part in parts))
    shape = graph.node("Shape", [text])
    flat = graph.node("Reshape", [text, graph.constant([-1], numpy.int64)])
    small = graph.node("StringNormalizer", [flat], case_change_action="LOWER", locale="C")
    return graph.node("Reshape", [small, shape])


@_lowers(Joined)
def _joined(graph: Lowered, parts: tuple[Joined, ...]) -> str:
    (part,) = parts
    first, *others = (graph.one(text) for text in part.parts)
    for other in others:
        first = graph.node(
            "StringConcat", [graph.node("StringConcat", [first, graph.constant(SEPARATOR, object)]), other]
        )
    return first


@_lowers(CodeAsString)
def _code_as_string(graph: Lowered, parts: tuple[CodeAsString, ...]) -> str:
    code = graph.row(tuple(part.of for part in parts))
    missing = graph.node("Less", [code, graph.constant(0, numpy.int64)])
    return graph.node("Where", [missing, graph.constant("", object), graph.cast(code, TensorProto.STRING)])


@_lowers(Words)
def _words(graph: Lowered, parts: tuple[Words, ...]) -> str:
    (part,) = parts
    flat = graph.node("Reshape", [graph.one(part.of), graph.constant([-1], numpy.int64)])
    return graph.node("StringSplit", [flat], outputs=2)


def _equals_each(graph: Lowered, codes: str, size: int) -> str:
    return graph.cast(
        graph.node("Equal", [codes, graph.constant(numpy.arange(size), numpy.int64)]), TensorProto.FLOAT
    )


@_lowers(OneHot)
def _one_hot(graph: Lowered, parts: tuple[OneHot, ...]) -> str:
    (part,) = parts
    return _equals_each(graph, graph.one(part.of), len(part.names))


@_lowers(CountHashed)
def _count_hashed(graph: Lowered, parts: tuple[CountHashed, ...]) -> str:
    (part,) = parts
    words = graph.one(part.of)
    absent = graph.node("Equal", [words, graph.constant("", object)])
    codes = graph.node("Where", [absent, graph.constant(-1, numpy.int64), _hashed(graph, words, part.size)])
    wide = graph.node("Unsqueeze", [codes, graph.constant([2], numpy.int64)])
    return graph.node(
        "ReduceSum", [_equals_each(graph, wide, part.size), graph.constant([1], numpy.int64)], keepdims=0
    )


@_lowers(CountTerms)
def _count_terms(graph: Lowered, parts: tuple[CountTerms, ...]) -> str:
    (part,) = parts
    if not part.terms:
        return _rows_of(graph, 0, numpy.float32, 0)
    lengths = [term.count(" ") + 1 for term in part.terms]
    by_length = sorted(range(len(part.terms)), key=lambda place: lengths[place])
    longest = max(lengths)
    starts = [
        sum(lengths[place] * (lengths[place] < length) for place in by_length)
        for length in range(1, longest + 1)
    ]
    return graph.node(
        "TfIdfVectorizer",
        [graph.one(part.of)],
        mode="TF",
        min_gram_length=1,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=by_length,
        pool_strings=[word for place in by_length for word in part.terms[place].split(" ")],
    )


@_lowers(Pack)
def _pack(graph: Lowered, parts: tuple[Pack, ...]) -> str:
    (part,) = parts
    pieces: list[str] = []
    run: list[Expression] = []
    for item in (*part.parts, None):
        if run and (item is None or item.type.name == "vector" or item.type.name != run[0].type.name):
            full = graph.full(tuple(run))
            pieces.append(graph.cast(full, TensorProto.FLOAT))
            run = []
        if item is not None and item.type.name == "vector":
            pieces.append(graph.full((item,)))
        elif item is not None:
            run.append(item)
    return pieces[0] if len(pieces) == 1 else graph.node("Concat", pieces, axis=1)


@_lowers(Gather)
def _gather(graph: Lowered, parts: tuple[Gather, ...]) -> str:
    (part,) = parts
    return graph.node("Gather", [graph.one(part.of), graph.constant(list(part.places), numpy.int64)], axis=1)
