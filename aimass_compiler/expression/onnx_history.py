"""What is computed of histories as ONNX operators: lags, seasonal lags and statistics of the last values."""

from __future__ import annotations

import math

import numpy
from onnx import TensorProto

from aimass_compiler.expression.histories import Lag, Rolling, SeasonalLag
from aimass_compiler.expression.onnx_rows import Lowered, lowers

_ENDS = {"minimum": "ReduceMin", "maximum": "ReduceMax"}


@lowers(Lag)
def _lag(graph: Lowered, parts: tuple[Lag, ...]) -> str:
    """All lags of one history at once, [N, k]."""
    places = graph.constant([-part.lag for part in parts], numpy.int64)
    found = graph.node("Gather", [graph.one(parts[0].of), places], axis=1)
    return graph.cast(found, TensorProto.DOUBLE)


@lowers(Rolling)
def _rolling(graph: Lowered, parts: tuple[Rolling, ...]) -> str:
    (part,) = parts
    (length,) = part.of.type.shape
    bounds = [graph.constant([number], numpy.int64) for number in (length - part.window, length, 1)]
    last = graph.cast(graph.node("Slice", [graph.one(part.of), *bounds]), TensorProto.DOUBLE)
    if part.statistic in _ENDS:
        return graph.node(_ENDS[part.statistic], [last, graph.constant([1], numpy.int64)], keepdims=1)
    mean = _mean(graph, last, part.window)
    if part.statistic == "mean":
        return mean
    apart = graph.node("Sub", [last, mean])
    return graph.node("Sqrt", [_mean(graph, graph.node("Mul", [apart, apart]), part.window)])


def _mean(graph: Lowered, values: str, count: int) -> str:
    """The mean of rows [N, W], [N, 1], added up in one order, because engines do not reduce alike."""
    sums = graph.node("CumSum", [values, graph.constant(1, numpy.int64)])
    last = graph.node("Gather", [sums, graph.constant([-1], numpy.int64)], axis=1)
    return graph.node("Mul", [last, graph.constant(1 / count, numpy.float64)])


@lowers(SeasonalLag)
def _seasonal_lag(graph: Lowered, parts: tuple[SeasonalLag, ...]) -> str:
    (part,) = parts
    (length,) = part.of.type.shape
    step, history = graph.one(part.step), graph.one(part.of)
    is_step = graph.node("GreaterOrEqual", [step, graph.constant(1.0, numpy.float64)])
    is_finite = graph.node("Less", [step, graph.constant(math.inf, numpy.float64)])
    is_there = graph.node("And", [is_step, is_finite])
    ahead = graph.cast(
        graph.node("Where", [is_there, graph.node("Floor", [step]), graph.constant(1.0, numpy.float64)]),
        TensorProto.INT64,
    )
    before = graph.node("Sub", [ahead, graph.constant(1, numpy.int64)])
    within = graph.node("Mod", [before, graph.constant(part.season_length, numpy.int64)])
    first = graph.constant(length - part.season * part.season_length, numpy.int64)
    place = graph.node("Add", [within, first])
    zero = graph.constant(0, numpy.int64)
    is_known = graph.node("And", [is_there, graph.node("GreaterOrEqual", [place, zero])])
    safe = graph.node("Where", [is_known, place, zero])
    found = graph.cast(graph.node("GatherElements", [history, safe], axis=1), TensorProto.DOUBLE)
    return graph.node("Where", [is_known, found, graph.constant(math.nan, numpy.float64)])
