"""Vectors of the algebra as ONNX operators: one-hots, counts of words, and what is packed for a model."""

from __future__ import annotations

from typing import Any

import numpy
from onnx import TensorProto

from aimass_compiler.expression.algebra import (
    PADDING,
    UNKNOWN_WORD,
    CountHashed,
    CountTerms,
    Expression,
    Gather,
    OneHot,
    Pack,
    Rescaled,
    TokenCodes,
)
from aimass_compiler.expression.onnx_graph import Graph
from aimass_compiler.expression.onnx_rows import Lowered, hashed, lowers, rows_of


def _equals_each(graph: Lowered, codes: str, size: int) -> str:
    return graph.cast(
        graph.node("Equal", [codes, graph.constant(numpy.arange(size), numpy.int64)]), TensorProto.FLOAT
    )


@lowers(OneHot)
def _one_hot(graph: Lowered, parts: tuple[OneHot, ...]) -> str:
    (part,) = parts
    return _equals_each(graph, graph.one(part.of), len(part.names))


@lowers(CountHashed)
def _count_hashed(graph: Lowered, parts: tuple[CountHashed, ...]) -> str:
    (part,) = parts
    words = graph.one(part.of)
    absent = graph.node("Equal", [words, graph.constant("", object)])
    codes = graph.node("Where", [absent, graph.constant(-1, numpy.int64), hashed(graph, words, part.size)])
    wide = graph.node("Unsqueeze", [codes, graph.constant([2], numpy.int64)])
    return graph.node(
        "ReduceSum", [_equals_each(graph, wide, part.size), graph.constant([1], numpy.int64)], keepdims=0
    )


@lowers(CountTerms)
def _count_terms(graph: Lowered, parts: tuple[CountTerms, ...]) -> str:
    (part,) = parts
    if not part.terms:
        return rows_of(graph, 0, numpy.float32, 0)
    lengths = [term.count(" ") + 1 for term in part.terms]
    by_length = sorted(range(len(part.terms)), key=lambda place: lengths[place])
    longest = max(lengths)
    starts = [
        sum(lengths[place] * (lengths[place] < length) for place in by_length)
        for length in range(1, longest + 1)
    ]
    weights: dict[str, Any] = (
        {"weights": [part.weights[place] for place in by_length]} if part.weights else {}
    )
    return graph.node(
        "TfIdfVectorizer",
        [graph.one(part.of)],
        mode="TFIDF" if part.weights else "TF",
        min_gram_length=1,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=by_length,
        **weights,
        pool_strings=[word for place in by_length for word in part.terms[place].split(" ")],
    )


@lowers(Rescaled)
def _rescaled(graph: Lowered, parts: tuple[Rescaled, ...]) -> str:
    (part,) = parts
    shifts, factors = (graph.constant(values, numpy.float32) for values in (part.shifts, part.factors))
    return graph.node("Mul", [graph.node("Sub", [graph.one(part.of), shifts]), factors])


@lowers(TokenCodes)
def _token_codes(graph: Lowered, parts: tuple[TokenCodes, ...]) -> str:
    return token_codes(graph, graph.one(parts[0].of), parts[0])


@lowers(Pack)
def _pack(graph: Lowered, parts: tuple[Pack, ...]) -> str:
    (part,) = parts
    pieces: list[str] = []
    run: list[Expression] = []
    for item in (*part.parts, None):
        if run and (item is None or item.type.name != run[0].type.name):
            full = graph.full(tuple(run))
            pieces.append(graph.cast(full, TensorProto.FLOAT))
            run = []
        if item is not None and not item.type.is_single:
            pieces.append(graph.full((item,)))
        elif item is not None:
            run.append(item)
    return pieces[0] if len(pieces) == 1 else graph.node("Concat", pieces, axis=1)


@lowers(Gather)
def _gather(graph: Lowered, parts: tuple[Gather, ...]) -> str:
    (part,) = parts
    return graph.node("Gather", [graph.one(part.of), graph.constant(list(part.places), numpy.int64)], axis=1)


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
