"""What the models of scikit-learn have in common once they have learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.models import _graph
from aimass_compiler.catalog.models._scale import Scale
from aimass_compiler.conventions import ONNX_OPSETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import onnx

    from aimass_compiler.task import Task


def space_thresholds(trees: Sequence[Any], parts: Sequence[numpy.ndarray]) -> None:
    """Move each threshold of fitted trees, in place, into its gap between the values of `parts`.

    scikit-learn takes the middle of two values of one node, which may be a value of another row.
    """
    import numpy

    from aimass_compiler.catalog.models._thresholds import spaced

    features = numpy.concatenate([tree.tree_.feature for tree in trees])
    thresholds = numpy.concatenate([tree.tree_.threshold for tree in trees])
    is_split = features >= 0
    thresholds[is_split] = spaced(features[is_split], thresholds[is_split], parts, equal="below")
    ends = numpy.cumsum([tree.tree_.node_count for tree in trees])[:-1]
    for tree, own in zip(trees, numpy.split(thresholds, ends), strict=True):
        tree.tree_.threshold[:] = own


class LearntEstimator(Struct, frozen=True):
    """An estimator that was fitted, converted by skl2onnx."""

    estimator: Any
    task: Task
    features: int
    #: Of the target that a regression was fitted to.
    scale: Scale | None = None
    #: Whether the graph computes in double: what adds many terms needs it, trees compare exactly without.
    precise: bool = False

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        if self.scale is not None:
            return self.scale.restored(self.estimator.predict(x))
        return numpy.asarray(self.estimator.predict_proba(x), dtype=numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        importance: numpy.ndarray | None = getattr(self.estimator, "feature_importances_", None)
        return importance

    def to_onnx(self) -> onnx.ModelProto:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

        tensor = DoubleTensorType if self.precise else FloatTensorType
        options = {"zipmap": False} if self.task.is_classification else {}
        model = convert_sklearn(
            self.estimator,
            initial_types=[("rows", tensor([None, self.features]))],
            options={id(self.estimator): options},
            target_opset=ONNX_OPSETS,
        )
        return _graph.from_output(model, model.graph.output[-1].name, [self.features], self.task, self.scale)


class LearntLinear(Struct, frozen=True):
    """A linear estimator that was fitted, as one matrix product."""

    estimator: Any
    task: Task

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        precise = numpy.asarray(x, dtype=numpy.float64)
        if not self.task.is_classification:
            return numpy.asarray(self.estimator.predict(precise), dtype=numpy.float64)
        return numpy.asarray(self.estimator.predict_proba(precise), dtype=numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        """The size of the coefficients, which compares features only where they were brought to one scale."""
        import numpy

        sizes: numpy.ndarray = numpy.abs(numpy.atleast_2d(self.estimator.coef_)).mean(axis=0)
        return sizes

    def to_onnx(self) -> onnx.ModelProto:
        import numpy

        weights = numpy.atleast_2d(self.estimator.coef_).T
        bias = numpy.atleast_1d(self.estimator.intercept_)
        if self.task.is_binary:  # one column of weights: the other class has none
            weights = numpy.hstack([numpy.zeros_like(weights), weights])
            bias = numpy.array([0.0, bias[0]])
        return _graph.linear(weights, bias, self.task)
