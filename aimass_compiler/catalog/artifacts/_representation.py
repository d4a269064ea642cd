"""How far a network's own representation of a row is from those of training, as an output of its graph.

The representation is what the last layer reads. Its distance is that of Mahalanobis from the mean of the
training rows, in the directions in which these differ: Lee et al. 2018, https://arxiv.org/abs/1807.03888,
with one mean for all classes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts._graphs import GraphPart
from aimass_compiler.catalog.artifacts._tensors import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import polars
    from numpy.typing import NDArray

_OWN = "representation/"
_ROWS_AT_ONCE = 4096
#: Directions that are looked at, and the least variance of one as a share of the largest.
_MOST_DIRECTIONS, _LEAST_SHARE = 64, 1e-4
_LAST_LAYERS = ("Gemm", "MatMul")


class _Spread(NamedTuple):
    """Where representations are, and how they spread."""

    mean: NDArray[numpy.float64]
    directions: NDArray[numpy.float64]
    """[D, K], each divided by the deviation along it."""


def add_distance(
    path: Path, answer: str, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame
) -> None:
    """Let a packaged graph answer the distance of each row, fitted to these, beside its `answer`.

    Raises ValueError where no dense layer is the last, or where all rows are represented alike.
    """
    model = onnx.load(path)
    name = _representation(model.graph, answer)
    spread = _spread(_values(model, name, inputs, rows))
    part = GraphPart(_OWN)
    centred = part.add(
        "Sub", part.add("Cast", name, to=TensorProto.DOUBLE), part.number(spread.mean.tolist())
    )
    directions = numpy_helper.from_array(spread.directions, f"{_OWN}directions")
    along = part.add("MatMul", centred, directions.name)
    squares = part.add("ReduceSum", part.add("Mul", along, along), part.whole([1]), keepdims=0)
    model.graph.node.extend([*part.nodes, helper.make_node("Sqrt", [squares], [conventions.DISTANCE_OUTPUT])])
    model.graph.initializer.extend([*part.constants, directions])
    output = helper.make_tensor_value_info(conventions.DISTANCE_OUTPUT, TensorProto.DOUBLE, ["N"])
    model.graph.output.append(output)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def distances(
    path: Path, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame
) -> NDArray[numpy.float64]:
    """What such a graph answers to these rows, [N]."""
    return _asked(path.read_bytes(), conventions.DISTANCE_OUTPUT, inputs, rows)


def _representation(graph: onnx.GraphProto, answer: str) -> str:
    """What the layer with weights reads that is nearest to the answer."""
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {constant.name for constant in graph.initializer}
    waiting, seen = deque([answer]), {answer}
    while waiting:
        node = made_by.get(waiting.popleft())
        if node is None:
            continue
        if node.op_type in _LAST_LAYERS and node.input[1] in constants:
            return str(node.input[0])
        waiting.extend(name for name in node.input if name not in seen)
        seen.update(node.input)
    raise ValueError("no dense layer is the last of its graph")


def _values(
    model: onnx.ModelProto, name: str, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame
) -> NDArray[numpy.float64]:
    """The representations of these rows, [N, D]."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    asked.graph.output.append(onnx.ValueInfoProto(name=name))
    return _asked(asked.SerializeToString(), name, inputs, rows)


def _asked(
    model: bytes, output: str, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame
) -> NDArray[numpy.float64]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    parts = [session.run([output], pack(part, inputs))[0] for part in rows.iter_slices(_ROWS_AT_ONCE)]
    return numpy.concatenate(parts).astype(numpy.float64)


def _spread(values: NDArray[numpy.float64]) -> _Spread:
    """Mean and principal components; raises ValueError where there are none."""
    if values.ndim != 2:  # noqa: PLR2004  # rows and their numbers
        raise ValueError("its last layer reads more than one row of numbers for each row")
    mean = values.mean(axis=0)
    variances, vectors = numpy.linalg.eigh(numpy.cov(values, rowvar=False).reshape(len(mean), len(mean)))
    largest = variances[-1]
    if not numpy.isfinite(largest) or largest <= 0:
        raise ValueError("it represents all training rows alike")
    kept = numpy.flatnonzero(variances >= _LEAST_SHARE * largest)[-_MOST_DIRECTIONS:]
    return _Spread(mean, numpy.ascontiguousarray(vectors[:, kept] / numpy.sqrt(variances[kept])))
