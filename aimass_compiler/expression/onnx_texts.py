"""Operators that rewrite texts, as ONNX operators.

ONNX replaces nothing in a string. onnxruntime's Tokenizer takes one apart into letters, or into the matches
of a pattern of RE2; letters are looked up one by one and concatenated again, two and two.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy
from onnx import TensorProto, helper

from aimass_compiler.expression.onnx_rows import Lowered, lowers
from aimass_compiler.expression.texts import DECIMAL, Decimal, Extracted, Normalized, letters

#: A noncharacter of Unicode, which stands for letters that stay.
_STAYS = "\uffff"
_END = 2**31 - 1
#: A word with the space before it, or so much of one that no piece is much longer than others.
_PIECES = r"\s?\S{1,16}|\s"


def _texts(graph: Lowered, text: str) -> str:
    """The texts [N + 1] behind a letter of our own: of no text the Tokenizer would make no table."""
    return graph.node("Concat", [graph.constant(["x"], object), _flat(graph, text)], axis=0)


def _flat(graph: Lowered, value: str) -> str:
    return graph.node("Reshape", [value, graph.constant([-1], numpy.int64)])


def _slice(graph: Lowered, value: str, start: int, end: int, axis: int) -> str:
    bounds = [graph.constant([number], numpy.int64) for number in (start, end, axis)]
    return graph.node("Slice", [value, *bounds])


def _tokens(graph: Lowered, texts: str, separators: list[str] | None, pattern: str | None) -> str:
    by = {"tokenexp": pattern} if separators is None else {"separators": separators}
    return graph.node("Tokenizer", [texts], domain="com.microsoft", mark=0, pad_value="", mincharnum=1, **by)


def _concatenated(graph: Lowered, parts: str) -> str:
    """The strings [N, M] of each row as one, [N, 1]: M is halved until it is 1."""
    own = f"{parts}_halves"
    width = graph.node("Shape", [parts], start=1, end=2)
    one, two = graph.constant([1], numpy.int64), graph.constant([2], numpy.int64)
    zero, empty = graph.constant([0], numpy.int64), graph.constant("", object)

    def name(part: str) -> str:
        return f"{own}_{part}"

    nodes = [
        # Equal to nothing else, so that it is a column of empty strings, however many rows there are.
        helper.make_node("Slice", [name("in"), zero, one, one], [name("first")]),
        helper.make_node("Equal", [name("first"), name("first")], [name("all")]),
        helper.make_node("Where", [name("all"), empty, name("first")], [name("blank")]),
        helper.make_node("Concat", [name("in"), name("blank")], [name("padded")], axis=1),
        helper.make_node("Shape", [name("in")], [name("width")], start=1, end=2),
        helper.make_node("Add", [name("width"), one], [name("end")]),
        helper.make_node("Slice", [name("padded"), zero, name("width"), one, two], [name("left")]),
        helper.make_node("Slice", [name("padded"), one, name("end"), one, two], [name("right")]),
        helper.make_node("StringConcat", [name("left"), name("right")], [name("out")]),
        helper.make_node("Greater", [name("width"), two], [name("is_wide")]),
        helper.make_node("Squeeze", [name("is_wide")], [name("goes_on")]),
    ]
    step = helper.make_tensor_value_info(name("step"), TensorProto.INT64, [])
    flags = [helper.make_tensor_value_info(name(flag), TensorProto.BOOL, []) for flag in ("was", "goes_on")]
    values = [
        helper.make_tensor_value_info(name(value), TensorProto.STRING, [None, None])
        for value in ("in", "out")
    ]
    body = helper.make_graph(nodes, own, [step, flags[0], values[0]], [flags[1], values[1]])
    is_wide = graph.node("Squeeze", [graph.node("Greater", [width, one])])
    return graph.node("Loop", ["", is_wide, parts], body=body)


@lowers(Normalized)
def _normalized(graph: Lowered, parts: tuple[Normalized, ...]) -> str:
    (part,) = parts
    table = letters(in_lower_case=part.in_lower_case, without_accents=part.without_accents)
    text = _texts(graph, graph.one(part.of))
    # Piece by piece, each once: a table of all letters would be as wide as the longest text, in every row.
    pieces = _tokens(graph, text, None, _PIECES)
    each = graph.node("Unique", [_flat(graph, pieces)], outputs=3, sorted=0)
    made = _flat(graph, _concatenated(graph, _replaced(graph, _tokens(graph, each, [""], None), table)))
    known = graph.node("Gather", [made, f"{each}_2"])
    made = _concatenated(graph, graph.node("Reshape", [known, graph.node("Shape", [pieces])]))
    # Letters became spaces or nothing, so that words are found anew.
    words = graph.node("StringSplit", [_flat(graph, made)], outputs=2)
    empty = graph.constant("", object)
    later = _slice(graph, words, 1, _END, 1)
    spaced = graph.node("StringConcat", [graph.constant(" ", object), later])
    spaced = graph.node("Where", [graph.node("Equal", [later, empty]), empty, spaced])
    joined = graph.node("Concat", [_slice(graph, words, 0, 1, 1), spaced], axis=1)
    return _slice(graph, _concatenated(graph, joined), 1, _END, 0)


def _replaced(graph: Lowered, each: str, table: Mapping[int, str]) -> str:
    """The letters with those of the table replaced."""
    found = graph.node(
        "LabelEncoder",
        [each],
        domain="ai.onnx.ml",
        keys_strings=[chr(code) for code in table],
        values_strings=list(table.values()),
        default_string=_STAYS,
    )
    stays = graph.node("Equal", [found, graph.constant(_STAYS, object)])
    return graph.node("Where", [stays, each, found])


@lowers(Extracted)
def _extracted(graph: Lowered, parts: tuple[Extracted, ...]) -> str:
    (part,) = parts
    text = graph.one(part.of)
    found = _slice(graph, _tokens(graph, _texts(graph, text), None, part.pattern), 1, _END, 0)
    none = graph.node("Where", [graph.node("Equal", [text, text]), graph.constant("", object), text])
    return _slice(graph, graph.node("Concat", [found, none], axis=1), 0, 1, 1)


@lowers(Decimal)
def _decimal(graph: Lowered, parts: tuple[Decimal, ...]) -> str:
    (part,) = parts
    text = graph.one(part.of)
    is_number = graph.node("RegexFullMatch", [text], pattern=DECIMAL)
    number = graph.node("Where", [is_number, text, graph.constant("NaN", object)])
    return graph.cast(number, TensorProto.DOUBLE)
