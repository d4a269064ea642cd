"""Clusters that were found: their centres, and how a row's nearness to each becomes a share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.task import Task


class FittedClusters(Struct, frozen=True):
    """Centres [K, F], the largest cluster first, and the variance around them in one direction.

    A row is given the nearest centre's cluster. Its scores are the posterior of equal spheres of that
    variance around the centres, of which k-means is the limit (Bishop 2006, section 9.3.2): they change
    smoothly, so that rounding moves no row between clusters by a whole vote.
    """

    centres: Any
    variance: float
    task: Task

    @classmethod
    def of(cls, estimator: Any, x: numpy.ndarray, weights: numpy.ndarray | None, task: Task) -> Self:
        """What an estimator found in the rows [N, F]."""
        import numpy

        counts = numpy.bincount(estimator.labels_, weights, minlength=len(estimator.cluster_centers_))
        centres = estimator.cluster_centers_[numpy.argsort(-counts, kind="stable")]
        total = len(x) if weights is None else float(weights.sum())
        variance = float(estimator.inertia_) / (total * x.shape[1])
        return cls(centres, variance or 1.0, task)

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """The share of each cluster, [N, K], float32."""
        import numpy
        from scipy.special import softmax

        weights, bias = self._linear()
        found = softmax(numpy.asarray(x, numpy.float64) @ weights + bias, axis=1)
        return numpy.asarray(found, numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        """How far apart the centres are in each feature, in deviations within clusters."""
        import numpy

        apart: numpy.ndarray = self.centres.std(axis=0) / numpy.sqrt(self.variance)
        return apart

    def to_onnx(self) -> onnx.ModelProto:
        from aimass_compiler.catalog.artifacts import _graphs

        return _graphs.linear(*self._linear(), self.task)

    def _linear(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        """-|x - c|² / 2v without |x|², which all clusters share: x · c/v - |c|²/2v."""
        return self.centres.T / self.variance, -(self.centres**2).sum(axis=1) / (2 * self.variance)
