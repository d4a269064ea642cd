"""The algebra as an ONNX graph: what serving runs, and what batch prediction is held against."""

from __future__ import annotations

import math

import numpy
import onnx
from onnx import TensorProto

from aimass_compiler.expression import (  # they add their operators to `LOWERINGS`
    onnx_history,  # noqa: F401  # as said above
    onnx_neighbors,  # noqa: F401  # as said above
    onnx_texts,  # noqa: F401  # as said above
    onnx_vectors,  # noqa: F401  # as said above
)
from aimass_compiler.expression.algebra import (
    SEPARATOR,
    Arithmetic,
    AsNumber,
    AtCode,
    Bucket,
    CodeAsString,
    Column,
    Comparison,
    Constant,
    Expression,
    Function,
    Hash,
    IsMissing,
    Joined,
    Logical,
    Lookup,
    Lower,
    Not,
    OutOfFold,
    Where,
    Words,
)
from aimass_compiler.expression.onnx_graph import Inputs
from aimass_compiler.expression.onnx_rows import Lowered, hashed, lowers, rows_of

_ARITHMETIC = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div"}
_FUNCTIONS = {"absolute": "Abs", "floor": "Floor", "sine": "Sin", "cosine": "Cos", "exponential": "Exp"}
_COMPARISONS = {
    "<": "Less",
    "<=": "LessOrEqual",
    ">": "Greater",
    ">=": "GreaterOrEqual",
    "==": "Equal",
    "!=": "Equal",
}


def lower(expression: Expression, inputs: Inputs, name: str = "features") -> onnx.ModelProto:
    """The graph that computes an expression: float32 for vectors and images, float64 for numbers."""
    graph = Lowered(inputs, name)
    result = graph.full((expression,))
    kind = expression.type
    return graph.finish(result, TensorProto.DataType.Value(kind.onnx_type), kind.shape or (1,))


@lowers(Column)
def _column(graph: Lowered, parts: tuple[Column, ...]) -> str:
    source = parts[0].type.tensor
    if not source:
        return parts[0].name
    known = graph.inputs.packed(source)
    places = [known.index(part.name) for part in parts]
    if places == list(range(len(known))):
        return source
    return graph.node("Gather", [source, graph.constant(places, numpy.int64)], axis=1)


@lowers(Constant)
def _constant(graph: Lowered, parts: tuple[Constant, ...]) -> str:
    values = [part.value for part in parts]
    return graph.constant([values], object if isinstance(values[0], str) else numpy.float64)


@lowers(Arithmetic)
def _arithmetic(graph: Lowered, parts: tuple[Arithmetic, ...]) -> str:
    operator = parts[0].operator
    left = graph.row(tuple(part.left for part in parts))
    if not parts[0].type.is_single:
        right = graph.constant(parts[0].right.value, numpy.float32)  # type: ignore[attr-defined]  # images meet constants only
        return graph.node(_ARITHMETIC[operator], [left, right])
    if len(parts) == 1 and (kept := _kept(graph, parts[0])):
        return kept
    right = graph.row(tuple(part.right for part in parts))
    if operator in ("minimum", "maximum"):
        compare = "Less" if operator == "minimum" else "Greater"
        takes_right = graph.node("Or", [graph.node(compare, [right, left]), graph.node("IsNaN", [right])])
        return graph.node("Where", [takes_right, right, left])
    if operator == "divide":
        missing, zero = graph.constant(math.nan, numpy.float64), graph.constant(0.0, numpy.float64)
        right = graph.node("Where", [graph.node("Equal", [right, zero]), missing, right])
    return graph.node(_ARITHMETIC[operator], [left, right])


def _kept(graph: Lowered, part: Arithmetic) -> str | None:
    """A node that onnxruntime would leave out, written so that it gives the same doubles and is left in.

    It looks at a lone number as a float32: what is not quite 1 passes for 1 there, and 1e-46 for 0.
    """
    operator = part.operator
    sides = ((part.left, part.right), (part.right, part.left))
    for other, number in sides[: 1 if operator in ("subtract", "divide") else 2]:
        if not isinstance(number, Constant) or isinstance(number.value, str):
            continue
        value = number.value
        with numpy.errstate(over="ignore"):
            seen = numpy.float32(value)
        if operator in ("add", "subtract") and value and seen == 0:
            added = graph.constant([[-value if operator == "subtract" else value]], numpy.float64)
            return graph.node("Sum", [graph.one(other), added])
        if operator in ("multiply", "divide") and value != 1 and seen == 1:
            doubled = Arithmetic(operator, other, Constant(2 * value))
            back = graph.constant([[0.5 if operator == "multiply" else 2.0]], numpy.float64)
            return graph.node("Mul", [graph.one(doubled), back])
    return None


@lowers(Function)
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
    if expression.type.onnx_type == "INT64":
        return graph.node("Less", [value, graph.constant(0, numpy.int64)])
    return graph.node("IsNaN", [value])


@lowers(Comparison)
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


@lowers(Logical)
def _logical(graph: Lowered, parts: tuple[Logical, ...]) -> str:
    sides = [graph.row(tuple(part.left for part in parts)), graph.row(tuple(part.right for part in parts))]
    return graph.node("And" if parts[0].operator == "and" else "Or", sides)


@lowers(Not)
def _not(graph: Lowered, parts: tuple[Not, ...]) -> str:
    return graph.node("Not", [graph.row(tuple(part.of for part in parts))])


@lowers(IsMissing)
def _is_missing(graph: Lowered, parts: tuple[IsMissing, ...]) -> str:
    return _missing(graph, graph.row(tuple(part.of for part in parts)), parts[0].of)


@lowers(Where)
def _where(graph: Lowered, parts: tuple[Where, ...]) -> str:
    condition = graph.row(tuple(part.condition for part in parts))
    then = graph.row(tuple(part.then for part in parts))
    return graph.node("Where", [condition, then, graph.row(tuple(part.otherwise for part in parts))])


@lowers(AsNumber)
def _as_number(graph: Lowered, parts: tuple[AsNumber, ...]) -> str:
    return graph.cast(graph.row(tuple(part.of for part in parts)), TensorProto.DOUBLE)


@lowers(Bucket)
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


@lowers(OutOfFold)
def _out_of_fold(graph: Lowered, parts: tuple[OutOfFold, ...]) -> str:
    return graph.row(tuple(part.always for part in parts))


@lowers(AtCode)
def _at_code(graph: Lowered, parts: tuple[AtCode, ...]) -> str:
    (part,) = parts
    # The code -1 takes the last one.
    values = graph.constant([*part.values, math.nan], numpy.float64)
    return graph.node("Gather", [values, graph.one(part.of)])


@lowers(Lookup)
def _lookup(graph: Lowered, parts: tuple[Lookup, ...]) -> str:
    (part,) = parts
    if not part.terms:
        return rows_of(graph, -1, numpy.int64, 1)
    return graph.node(
        "LabelEncoder",
        [graph.one(part.of)],
        domain="ai.onnx.ml",
        keys_strings=list(part.terms),
        values_int64s=list(range(len(part.terms))),
        default_int64=-1,
    )


@lowers(Hash)
def _hash(graph: Lowered, parts: tuple[Hash, ...]) -> str:
    return hashed(graph, graph.row(tuple(part.of for part in parts)), parts[0].size)


@lowers(Lower)
def _lower(graph: Lowered, parts: tuple[Lower, ...]) -> str:
    text = graph.row(tuple(part.of for part in parts))
    shape = graph.node("Shape", [text])
    flat = graph.node("Reshape", [text, graph.constant([-1], numpy.int64)])
    small = graph.node("StringNormalizer", [flat], case_change_action="LOWER", locale="C")
    return graph.node("Reshape", [small, shape])


@lowers(Joined)
def _joined(graph: Lowered, parts: tuple[Joined, ...]) -> str:
    (part,) = parts
    first, *others = (graph.one(text) for text in part.parts)
    for other in others:
        first = graph.node(
            "StringConcat", [graph.node("StringConcat", [first, graph.constant(SEPARATOR, object)]), other]
        )
    return first


@lowers(CodeAsString)
def _code_as_string(graph: Lowered, parts: tuple[CodeAsString, ...]) -> str:
    code = graph.row(tuple(part.of for part in parts))
    missing = graph.node("Less", [code, graph.constant(0, numpy.int64)])
    return graph.node("Where", [missing, graph.constant("", object), graph.cast(code, TensorProto.STRING)])


@lowers(Words)
def _words(graph: Lowered, parts: tuple[Words, ...]) -> str:
    (part,) = parts
    flat = graph.node("Reshape", [graph.one(part.of), graph.constant([-1], numpy.int64)])
    return graph.node("StringSplit", [flat], outputs=2)
