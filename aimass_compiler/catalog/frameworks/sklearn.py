"""scikit-learn: what its estimators have in common once they are fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.frameworks import Framework
from aimass_compiler.catalog.frameworks._scale import Scale
from aimass_compiler.conventions import ONNX_OPSETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import onnx
    import scipy

    from aimass_compiler.catalog.task import Task

SKLEARN = Framework(module="sklearn", extra="run")
#: After so many steps, conjugate gradients have long found what double precision can.
_STEPS = 10_000


def rows_of(x: numpy.ndarray | FeatureMatrix, kind: str) -> Any:
    """What an estimator is fitted to, [N, F] in float64 (`f8`) or float32 (`f4`).

    It is sparse where categories are codes.
    """
    import numpy

    return x.csr(kind) if isinstance(x, FeatureMatrix) else numpy.asarray(x, kind)


def least_squares(
    rows: scipy.sparse.csr_array, y: numpy.ndarray, l2: float, weights: numpy.ndarray | None = None
) -> tuple[numpy.ndarray, float]:
    """The coefficients and intercept of a ridge regression on a sparse matrix [N, F] of moderate means.

    `weights` [N] say how much the squared error of each row counts.

    Conjugate gradients on the normal equations, each feature in its own size, which scikit-learn's
    `sparse_cg` does not do: whatever units features have, it takes some dozens of steps, and no matrix of
    features by features. Raises ArithmeticError when it does not end.
    """
    import numpy
    from scipy.sparse.linalg import LinearOperator, cg

    counts = numpy.ones(len(y)) if weights is None else weights
    total = counts.sum()
    means, mean = rows.T @ counts / total, float(counts @ y / total)
    entries = numpy.repeat(counts, numpy.diff(rows.indptr))
    squares = numpy.bincount(rows.indices, rows.data**2 * entries, minlength=rows.shape[1])
    sizes = numpy.sqrt(numpy.maximum(squares - total * means**2, 0) + l2)
    scale = 1 / numpy.where(sizes > 0, sizes, 1)

    def product(scaled: numpy.ndarray) -> numpy.ndarray:
        coefficients = scale * scaled.ravel()
        found = rows.T @ (counts * (rows @ coefficients)) - total * means * (means @ coefficients)
        return numpy.asarray(scale * (found + l2 * coefficients))

    operator = LinearOperator((rows.shape[1],) * 2, matvec=product, dtype=numpy.float64)
    aim = scale * (rows.T @ (counts * (y - mean)))
    found, steps = cg(operator, aim, rtol=1e-10, maxiter=_STEPS)
    if steps:
        raise ArithmeticError("the least squares were not found; leave out features that say the same")
    coefficients = scale * found
    return coefficients, float(mean - means @ coefficients)


def space_thresholds(trees: Sequence[Any], parts: Sequence[numpy.ndarray | FeatureMatrix]) -> None:
    """Move each threshold of fitted trees, in place, into its gap between the values of `parts`, each [N, F].

    scikit-learn takes the middle of two values of one node, which may be a value of another row.
    """
    import numpy

    from aimass_compiler.catalog.frameworks._thresholds import spaced

    features = numpy.concatenate([tree.tree_.feature for tree in trees])
    thresholds = numpy.concatenate([tree.tree_.threshold for tree in trees])
    is_split = features >= 0
    thresholds[is_split] = spaced(features[is_split], thresholds[is_split], parts, equal="below")
    ends = numpy.cumsum([tree.tree_.node_count for tree in trees])[:-1]
    for tree, own in zip(trees, numpy.split(thresholds, ends), strict=True):
        tree.tree_.threshold[:] = own


class FittedEstimator(Struct, frozen=True):
    """An estimator that was fitted, converted by skl2onnx."""

    estimator: Any
    task: Task
    features: int
    #: Of the target that a regression was fitted to.
    scale: Scale | None = None
    #: Whether the graph computes in double: what adds many terms needs it, trees compare exactly without.
    precise: bool = False
    #: Whether what skl2onnx converts is the logarithm of a prediction.
    log_link: bool = False

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

        from aimass_compiler.catalog.artifacts import _graphs

        tensor = DoubleTensorType if self.precise else FloatTensorType
        options = {"zipmap": False} if self.task.is_classification else {}
        model = convert_sklearn(
            self.estimator,
            initial_types=[("rows", tensor([None, self.features]))],
            options={id(self.estimator): options},
            target_opset=ONNX_OPSETS,
        )
        output, features = model.graph.output[-1].name, [self.features]
        return _graphs.from_output(model, output, features, self.task, self.scale, log_link=self.log_link)


class FittedLinear(Struct, frozen=True):
    """A linear estimator that was fitted, as one matrix product."""

    estimator: Any
    task: Task
    #: Whether the product is the logarithm of a prediction.
    log_link: bool = False

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

        from aimass_compiler.catalog.artifacts import _graphs

        weights = numpy.atleast_2d(self.estimator.coef_).T
        bias = numpy.atleast_1d(self.estimator.intercept_)
        if self.task.is_binary:  # one column of weights: the other class has none
            weights = numpy.hstack([numpy.zeros_like(weights), weights])
            bias = numpy.array([0.0, bias[0]])
        return _graphs.linear(weights, bias, self.task, log_link=self.log_link)
