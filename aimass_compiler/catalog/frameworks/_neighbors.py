"""Training rows that answer for the rows near to them, and the same as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from msgspec import Struct

from aimass_compiler.catalog.frameworks._scale import Scale

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.task import Task

#: Squares of distances that differ by a smaller share are equal: as float32, 0.1 is not as far from 0.2 as
#: 0.3 is. It is added, because onnxruntime 1.32 leaves out a factor that single precision takes for 1.
_TOLERANCE = 1.618e-6
#: The square of a distance that is none, so that a row at no distance can be divided by.
_NO_DISTANCE = 1e-300


class FittedNeighbors(Struct, frozen=True):
    """The mean target of the nearest rows, of which all count that are as far away as the last one.

    scikit-learn takes, of rows at one distance, those that it meets first; rounded numbers and one-hots make
    such rows all the time, and a graph would meet others first. A row counts exp(`fall` · d²/d_k²), d_k being
    the distance of the farthest (Hechenbichler and Schliep 2004, https://doi.org/10.5282/ubm/epub.1769).
    """

    points: numpy.ndarray
    """The training rows, [N, F], float64."""
    votes: numpy.ndarray
    """What each says (1 of its class, or its scaled target) times its weight, and this, [N, K + 1]."""
    neighbors: int
    fall: float
    task: Task
    #: Of the target of a regression.
    scale: Scale

    @classmethod
    def of(cls, train: Examples, task: Task, neighbors: int, fall: float) -> Self:
        """The rows that count."""
        import numpy

        weights = numpy.ones(len(train.y)) if train.weights is None else train.weights.astype(numpy.float64)
        counts = weights > 0
        y, weights = train.y[counts], weights[counts, None]
        scale = Scale(0.0, 1.0) if task.is_classification else Scale.of(y)
        said = numpy.eye(task.outputs)[y] if task.is_classification else scale.scaled(y)[:, None]
        points = numpy.asarray(train.x[:], numpy.float64)[counts]
        return cls(points, numpy.hstack([said * weights, weights]), min(neighbors, len(y)), fall, task, scale)

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        found = numpy.array([self._answer(row) for row in numpy.asarray(x, numpy.float64)])
        if self.task.is_classification:
            return numpy.asarray(found.reshape(-1, self.task.outputs), numpy.float32)
        return self.scale.restored(found.reshape(-1))

    def _answer(self, row: numpy.ndarray) -> numpy.ndarray:
        import numpy

        apart = ((self.points - row) ** 2).sum(axis=1)
        farthest = max(numpy.partition(apart, self.neighbors - 1)[self.neighbors - 1], _NO_DISTANCE)
        near = apart <= farthest + farthest * _TOLERANCE
        sums = numpy.exp(self.fall * apart[near] / farthest) @ self.votes[near]
        answer: numpy.ndarray = sums[:-1] / sums[-1]
        return answer

    def importance(self) -> numpy.ndarray | None:
        """None: every feature counts as much as its values differ."""
        return None

    def to_onnx(self) -> onnx.ModelProto:
        """A scan over the rows, so that memory holds the distances of one of them, not of a whole batch."""
        import numpy
        from onnx import helper

        from aimass_compiler.catalog.artifacts import _graphs

        nodes = [
            helper.make_node("Scan", ["precise"], ["means"], body=self._body(), num_scan_inputs=1),
            helper.make_node("Mul", ["means", "deviation"], ["stretched"]),
            helper.make_node("Add", ["stretched", "mean"], ["answer"]),
        ]
        constants = {
            "deviation": numpy.array(self.scale.deviation),
            "mean": numpy.array(self.scale.mean),
        }
        return _graphs.in_double(nodes, constants, self.points.shape[1], self.task)

    def _body(self) -> onnx.GraphProto:
        """From one row [F] to its answer [K], as `_answer` has it."""
        import numpy
        from onnx import TensorProto, helper, numpy_helper

        double, outputs = TensorProto.DOUBLE, self.votes.shape[1] - 1
        nodes = [
            helper.make_node("Sub", ["points", "row"], ["difference"]),
            helper.make_node("ReduceSumSquare", ["difference", "features_axis"], ["apart"], keepdims=0),
            helper.make_node("TopK", ["apart", "neighbors"], ["nearest", "places"], largest=0),
            helper.make_node("ReduceMax", ["nearest"], ["last"], keepdims=0),
            helper.make_node("Max", ["last", "no_distance"], ["farthest"]),
            helper.make_node("Mul", ["farthest", "tolerance"], ["slack"]),
            helper.make_node("Add", ["farthest", "slack"], ["bound"]),
            helper.make_node("LessOrEqual", ["apart", "bound"], ["near"]),
            helper.make_node("Cast", ["near"], ["counted"], to=double),
            helper.make_node("Div", ["apart", "farthest"], ["share"]),
            # What is farther does not count, and 0 times infinity would be no number.
            helper.make_node("Min", ["share", "two"], ["bounded"]),
            helper.make_node("Mul", ["bounded", "fall"], ["power"]),
            helper.make_node("Exp", ["power"], ["likeness"]),
            helper.make_node("Mul", ["likeness", "counted"], ["weights"]),
            helper.make_node("MatMul", ["weights", "votes"], ["sums"]),
            helper.make_node("Split", ["sums", "parts"], ["said", "together"], axis=0),
            helper.make_node("Div", ["said", "together"], ["answer_of_row"]),
        ]
        constants = {
            "points": self.points, "votes": self.votes, "no_distance": numpy.array(_NO_DISTANCE),
            "tolerance": numpy.array(_TOLERANCE), "fall": numpy.array(self.fall), "two": numpy.array(2.0),
            "features_axis": numpy.array([1]), "neighbors": numpy.array([self.neighbors]),
            "parts": numpy.array([outputs, 1]),
        }  # fmt: skip
        return helper.make_graph(
            nodes,
            "neighbors",
            [helper.make_tensor_value_info("row", double, [self.points.shape[1]])],
            [helper.make_tensor_value_info("answer_of_row", double, [outputs])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
