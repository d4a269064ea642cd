"""The values of a graph's rows: which expressions one node computes, and what was computed already.

Every row value is a tensor of two axes, [N, k]: expressions of one shape over several columns
become one node over all of them, because at one row a request the number of nodes is the cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy
from onnx import TensorProto

from aimass_compiler.expression.algebra import (
    AtCode,
    Column,
    Constant,
    CountHashed,
    CountTerms,
    Expression,
    Gather,
    Joined,
    Lookup,
    OneHot,
    Pack,
    Rescaled,
    TokenCodes,
    Words,
    columns_of,
)
from aimass_compiler.expression.histories import Lag, Rolling, SeasonalLag
from aimass_compiler.expression.neighbors import MeanOfNearest
from aimass_compiler.expression.onnx_graph import Graph
from aimass_compiler.expression.texts import Decimal, Extracted, Normalized


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
        if len(parts) > 1 and len({id(part) for part in parts}) == 1 and not isinstance(parts[0], Constant):
            return self.node("Concat", [self.full(parts[:1])] * len(parts), axis=1)
        runs = [tuple(run) for _, run in groupby(parts, key=_shape_of)]
        if len(runs) == 1:
            return LOWERINGS[type(parts[0])](self, parts)
        return self.node("Concat", [self.full(run) for run in runs], axis=1)


#: What is computed one by one.
_ALONE = (
    OneHot, CountHashed, CountTerms, TokenCodes, Rescaled, Pack, Gather, Words, Lookup, AtCode, Joined,
    Rolling, SeasonalLag, MeanOfNearest, Normalized, Extracted, Decimal,
)  # fmt: skip


def _shape_of(expression: Expression) -> tuple[Any, ...]:
    """What two expressions must share to be computed by one node."""
    own: list[Any] = [type(expression)]
    if isinstance(expression, Column):
        own.append(expression.type.tensor or expression.name)
    elif isinstance(expression, Lag):
        own.append(id(expression.of))
    elif isinstance(expression, Constant):
        own.append(type(expression.value) is str)
    elif isinstance(expression, _ALONE):
        own.append(id(expression))
    else:
        kinds = ("operator", "name", "size")
        own.extend(getattr(expression, name) for name in expression.__struct_fields__ if name in kinds)
        own.append(tuple(operand.type.is_string or operand.type.name for operand in expression.operands))
    return tuple(own)


Lowering = Callable[[Lowered, Any], str]
LOWERINGS: dict[type[Expression], Lowering] = {}


def lowers(kind: type[Expression]) -> Callable[[Lowering], Lowering]:
    """Enter a function as the lowering of an operator."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS[kind] = function
        return function

    return register


def rows_of(graph: Lowered, value: float, kind: type[numpy.generic], width: int) -> str:
    """The same value in every row, [N, width]."""
    shape = graph.node("Concat", [graph.row_count(), graph.constant([width], numpy.int64)], axis=0)
    return graph.node("Expand", [graph.constant([[value]], kind), shape])


def hashed(graph: Lowered, text: str, size: int) -> str:
    """A string's MurmurHash3 modulo a size, as int64."""
    hashes = graph.node("MurmurHash3", [text], domain="com.microsoft", positive=1, seed=0)
    return graph.node("Mod", [graph.cast(hashes, TensorProto.INT64), graph.constant(size, numpy.int64)])
