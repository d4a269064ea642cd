"""A graph that reads one history and answers a horizon: one row for each step, before the transforms.

What comes first makes of N requests N times H rows, as prepared rows are: the history, the numbers that are
known ahead, the time of the step, and the step. What comes last lays N times H predictions side by side, and
their intervals beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnx
from onnx import TensorProto, compose, helper

from aimass_compiler import conventions
from aimass_compiler.catalog.forecast import STEP
from aimass_compiler.catalog.forecast_request import request_inputs
from aimass_compiler.expression import onnx_lowering  # noqa: F401  # it fills `LOWERINGS`
from aimass_compiler.expression.algebra import Arithmetic, Column, Constant, Expression
from aimass_compiler.expression.calendar import months_later
from aimass_compiler.expression.column_types import (
    CATEGORY,
    NUMBER,
    TIME,
    ColumnType,
    PastValues,
    ValuesAhead,
)
from aimass_compiler.expression.onnx_graph import Inputs
from aimass_compiler.expression.onnx_rows import Lowered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aimass_compiler.catalog.forecast import Forecast, IntervalWidths
    from aimass_compiler.catalog.task import Task

#: Before the names of what computes a row, and of what is made of its rows.
_ROWS, _OWN = "rows/", "horizon/"


def time_ahead(forecast: Forecast, origin: Expression, step: Expression) -> Expression:
    """When a step is, in seconds since 1970, of when the history ends."""
    if forecast.seconds is None:
        return months_later(origin, step)
    return Arithmetic("add", origin, Arithmetic("multiply", step, Constant(forecast.seconds)))


def ahead(
    rows: onnx.ModelProto, scores: str, read: Sequence[Mapping[str, Any]], task: Task, widths: IntervalWidths
) -> onnx.ModelProto:
    """The graph that answers requests, from one that gives each row its `scores`.

    `read` is what features.json has as `inputs`. It answers `prediction`, `lower` and
    `upper`, float64 [N, H].
    """
    first = _Expansion(read, task)
    requests = first.model(rows.opset_import, rows.ir_version)
    graph = compose.add_prefix(rows, _ROWS)
    pairs = [(name, f"{_ROWS}{tensor}") for tensor, name in first.tensors.items()]
    joined = compose.merge_models(requests, graph, io_map=pairs)
    del joined.opset_import[len(rows.opset_import) :]
    del joined.graph.output[:]
    del joined.graph.value_info[:]  # which says that there are as many rows as requests
    _add_answers(joined.graph, f"{_ROWS}{scores}", task, widths)
    return joined


class _Expansion:
    """Requests as rows."""

    def __init__(self, read: Sequence[Mapping[str, Any]], task: Task) -> None:
        self._history, self._forecast = task.target, _forecast_of(task)
        columns = [_column(place) for place in request_inputs(read, task)]
        self._graph = Lowered(Inputs.of(columns), "unused")
        self._request = self._request_of_each_row()
        self.tensors = self._expanded(read)
        """The names of what each tensor of a row is computed as."""

    def _whole(self, value: Any) -> str:
        return self._graph.constant(value, numpy.int64)

    def _request_of_each_row(self) -> str:
        """The number of the request that a row is of, [N * H]."""
        graph = self._graph
        count = graph.node("Squeeze", [graph.node("Shape", [self._history], start=0, end=1)])
        numbers = graph.node("Range", [self._whole(0), count, self._whole(1)])
        beside = graph.node("Unsqueeze", [numbers, self._whole([1])])
        repeated = graph.node("Tile", [beside, self._whole([1, self._forecast.horizon])])
        return graph.node("Reshape", [repeated, self._whole([-1])])

    def _expanded(self, read: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        packed = (place for place in read if place["tensor"] == conventions.NUMBERS_TENSOR)
        numbers = [place["name"] for place in sorted(packed, key=lambda place: int(place["index"]))]
        found: dict[str, str] = {}
        if numbers:
            parts = [self._number(name) for name in numbers]
            found[conventions.NUMBERS_TENSOR] = self._graph.node("Concat", parts, axis=1)
        for tensor in dict.fromkeys(place["tensor"] for place in read):
            if tensor not in found:
                found[tensor] = self._graph.node("Gather", [tensor, self._request], axis=0)
        return found

    def _number(self, name: str) -> str:
        """A column of numbers of the rows, [N * H, 1]."""
        if name == STEP:
            return self._steps()
        if name == self._forecast.ordered_by:
            return self._times()
        return self._flat(self._graph.cast(name, TensorProto.DOUBLE))

    def _flat(self, value: str) -> str:
        return self._graph.node("Reshape", [value, self._whole([-1, 1])])

    def _steps(self) -> str:
        horizon = self._whole(self._forecast.horizon)
        rows = self._graph.node("Shape", [self._request], start=0, end=1)
        numbers = self._graph.node(
            "Range", [self._whole(0), self._graph.node("Squeeze", [rows]), self._whole(1)]
        )
        within = self._graph.node("Mod", [numbers, horizon])
        counted = self._graph.node("Add", [within, self._whole(1)])
        return self._flat(self._graph.cast(counted, TensorProto.DOUBLE))

    def _times(self) -> str:
        origin, step = Column(self._forecast.ordered_by, TIME), Column(STEP, NUMBER)
        ends = self._graph.node("Gather", [self._graph.one(origin), self._request], axis=0)
        for column, value in ((origin, ends), (step, self._steps())):
            self._graph.known[(id(column),)] = value, (column,)
        return self._graph.one(time_ahead(self._forecast, origin, step))

    def model(self, opsets: Any, ir_version: int) -> onnx.ModelProto:
        """The graph, whose outputs are the tensors of rows."""
        graph = self._graph
        outputs = [
            helper.make_tensor_value_info(name, _KINDS.get(tensor, TensorProto.FLOAT), None)
            for tensor, name in self.tensors.items()
        ]
        constants = list(graph.constants.values())
        made = helper.make_graph(graph.nodes, "requests", graph.inputs.declared(), outputs, constants)
        return helper.make_model(made, opset_imports=opsets, ir_version=ir_version)


_KINDS = {conventions.NUMBERS_TENSOR: TensorProto.DOUBLE, conventions.STRINGS_TENSOR: TensorProto.STRING}


def _forecast_of(task: Task) -> Forecast:
    if task.forecast is None:
        raise ValueError(f"`{task.target}` is no forecast")
    return task.forecast


def _column(place: Mapping[str, Any]) -> Column:
    kinds: dict[str, ColumnType] = {conventions.NUMBERS_TENSOR: TIME, conventions.STRINGS_TENSOR: CATEGORY}
    if place["type"] in (PastValues.name, ValuesAhead.name):
        kind = PastValues if place["type"] == PastValues.name else ValuesAhead
        return Column(place["name"], kind(tuple(place["shape"])))
    return Column(place["name"], kinds[place["tensor"]])


def _add_answers(graph: onnx.GraphProto, scores: str, task: Task, widths: IntervalWidths) -> None:
    """`prediction`, and what is a width by the history's spread below and above it, `lower` and `upper`."""
    forecast = _forecast_of(task)
    part = Lowered(Inputs((), (), ()), "unused")
    shape = part.constant([-1, forecast.horizon], numpy.int64)
    prediction = part.node("Reshape", [part.cast(scores, TensorProto.DOUBLE), shape])
    by_step = part.constant([widths.widths], numpy.float64)
    half = part.node("Mul", [_spread(part, task.target, forecast, widths), by_step])
    ends = (part.node("Sub", [prediction, half]), part.node("Add", [prediction, half]))
    answers = dict(zip(conventions.FORECAST_OUTPUTS, (prediction, *ends), strict=True))
    made = [node.output[0] for node in part.nodes] + [tensor.name for tensor in part.constants.values()]
    renamed = {name: f"{_OWN}{name}" for name in made}
    for node in part.nodes:
        node.name = node.output[0] = renamed[node.output[0]]
        node.input[:] = [renamed.get(name, name) for name in node.input]
    for tensor in part.constants.values():
        tensor.name = renamed[tensor.name]
    graph.node.extend(part.nodes)
    graph.initializer.extend(part.constants.values())
    for name, value in answers.items():
        graph.node.append(helper.make_node("Identity", [renamed[value]], [name], name=f"{_OWN}{name}"))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["N", forecast.horizon]))


def _spread(part: Lowered, history: str, forecast: Forecast, widths: IntervalWidths) -> str:
    """How much the history varies from season to season, [N, 1]: see `SeriesRows.spread`."""
    values = part.cast(history, TensorProto.DOUBLE)
    length, season = forecast.length, forecast.season_length

    def between(start: int, end: int) -> str:
        bounds = (part.constant([number], numpy.int64) for number in (start, end, 1))
        return part.node("Slice", [values, *bounds])

    apart = part.node("Abs", [part.node("Sub", [between(season, length), between(0, length - season)])])
    mean = part.node("ReduceMean", [apart, part.constant([1], numpy.int64)], keepdims=1)
    return part.node("Max", [mean, part.constant(widths.least_spread, numpy.float64)])
