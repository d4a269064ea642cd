"""The mean over the nearest rows as ONNX operators."""

from __future__ import annotations

import math

import numpy
from onnx import TensorProto

from aimass_compiler.expression.neighbors import MeanOfNearest
from aimass_compiler.expression.onnx_rows import Lowered, lowers, rows_of


@lowers(MeanOfNearest)
def _mean_of_nearest(graph: Lowered, parts: tuple[MeanOfNearest, ...]) -> str:
    (part,) = parts
    if not part.rows.values:
        return rows_of(graph, math.nan, numpy.float64, 1)
    distances = _distances(graph, part)
    count = graph.constant([part.nearest], numpy.int64)
    nearest = graph.node("TopK", [distances, count], outputs=2, axis=1, largest=0)
    limit = graph.node("Gather", [nearest, graph.constant([part.nearest - 1], numpy.int64)], axis=1)
    is_near = graph.node("LessOrEqual", [distances, limit])
    axis, zero = graph.constant([1], numpy.int64), graph.constant(0.0, numpy.float64)
    values = graph.constant([list(part.rows.values)], numpy.float64)
    # Added up in one order, because engines do not reduce alike.
    sums = graph.node(
        "CumSum", [graph.node("Where", [is_near, values, zero]), graph.constant(1, numpy.int64)]
    )
    total = graph.node("Gather", [sums, graph.constant([-1], numpy.int64)], axis=1)
    rows = graph.node("ReduceSum", [graph.cast(is_near, TensorProto.DOUBLE), axis], keepdims=1)
    return graph.node("Div", [total, rows])


def _distances(graph: Lowered, part: MeanOfNearest) -> str:
    """How far each row is from each known one, [N, M]: added up number by number, as elsewhere."""
    zero = graph.constant(0.0, numpy.float64)
    others = numpy.array(part.rows.others)
    found = ""
    for place, number in enumerate(part.numbers):
        value = graph.full((number,))
        known = graph.constant([others[:, place].tolist()], numpy.float64)
        factor = graph.constant(part.rows.factors[place], numpy.float64)
        apart = graph.node("Mul", [graph.node("Sub", [value, known]), factor])
        square = graph.node("Mul", [apart, apart])
        there = graph.node("Where", [graph.node("IsNaN", [value]), zero, square])
        found = graph.node("Add", [found, there]) if found else there
    return found
