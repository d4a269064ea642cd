"""The codes of a text's words as ONNX operators."""

from __future__ import annotations

import numpy

from aimass_compiler.expression.algebra import PADDING, UNKNOWN_WORD, TokenCodes
from aimass_compiler.expression.onnx_graph import Graph


def token_codes(graph: Graph, words: str, part: TokenCodes) -> str:
    """The codes, [N, length], of words [N, W], of which a row has "" behind its last one."""
    start, end, axis = (graph.constant([number], numpy.int64) for number in (0, part.length, 1))
    codes = graph.node(
        "LabelEncoder",
        [graph.node("Slice", [words, start, end, axis])],
        domain="ai.onnx.ml",
        keys_strings=["", *part.terms],
        values_int64s=[PADDING, *part.codes],
        default_int64=UNKNOWN_WORD,
    )
    behind = graph.constant([0, 0, 0, part.length], numpy.int64)
    padded = graph.node("Pad", [codes, behind, graph.constant(PADDING, numpy.int64)])
    return graph.node("Slice", [padded, start, end, axis])
