"""A fitted isolation forest: its anomaly scores, and the same as one tree ensemble in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import numpy
    import onnx

    from aimass_compiler.catalog.task import Task

_EULER = 0.5772156649015329


class FittedIsolationForest(Struct, frozen=True):
    """scikit-learn's forest; the positive class has the anomaly score, the other one the rest to 1.

    The score is 2^(-E[h(x)] / c(n)) of Liu, Ting and Zhou (2008, https://doi.org/10.1109/ICDM.2008.17): the
    mean depth at which a row is isolated, against that of a row among n others. It is no probability; from
    0.5 on, a row is isolated sooner than most.
    """

    forest: Any
    task: Task
    features: int

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """The scores beside what they leave to 1, [N, 2]."""
        import numpy

        scores = -self.forest.score_samples(numpy.ascontiguousarray(x, numpy.float32))
        return self._both(numpy.asarray(scores, numpy.float32))

    def _both(self, scores: numpy.ndarray) -> numpy.ndarray:
        import numpy

        beside = [1 - scores, scores]
        return numpy.stack(beside if self.task.judged == (1,) else beside[::-1], axis=1)

    def importance(self) -> numpy.ndarray | None:
        """None: how often a random question is asked of a feature says nothing."""
        return None

    def to_onnx(self) -> onnx.ModelProto:
        """One ensemble whose leaves have the depth at which they isolate, and the power of their sum."""
        import numpy
        from onnx import TensorProto, helper

        from aimass_compiler.catalog.artifacts import _graphs

        fitted, places = self.forest.estimators_, self.forest.estimators_features_
        usual = len(fitted) * _mean_depth(numpy.array([self.forest.max_samples_]))[0]
        order = ["rest", "score"] if self.task.judged == (1,) else ["score", "rest"]
        nodes = [
            helper.make_node(
                "TreeEnsembleRegressor",
                ["features"],
                ["depths"],
                domain="ai.onnx.ml",
                n_targets=1,
                **_ensemble(fitted, places),
            ),
            helper.make_node("Cast", ["depths"], ["precise_depths"], to=TensorProto.DOUBLE),
            helper.make_node("Mul", ["precise_depths", "fall"], ["powers"]),
            helper.make_node("Pow", ["two", "powers"], ["score"]),
            helper.make_node("Sub", ["one", "score"], ["rest"]),
            helper.make_node("Concat", order, ["answer"], axis=1),
        ]
        constants = {"fall": numpy.array(-1 / usual), "two": numpy.array(2.0), "one": numpy.array(1.0)}
        return _graphs.in_double(nodes, constants, self.features, self.task)


def _mean_depth(rows: numpy.ndarray) -> numpy.ndarray:
    """c(n), the mean depth of an unsuccessful search in a binary tree of n rows: where a leaf would go on."""
    import numpy

    many = numpy.maximum(rows, 3).astype(numpy.float64)
    found = 2 * (numpy.log(many - 1) + _EULER) - 2 * (many - 1) / many
    return numpy.where(rows > 2, found, numpy.where(rows == 2, 1.0, 0.0))  # noqa: PLR2004  # as it is defined


def _ensemble(estimators: Any, places: Any) -> dict[str, Any]:
    """The attributes of ONNX's tree ensemble: nodes by tree and number, leaves with their depths."""
    import numpy

    parts: dict[str, list[Any]] = {name: [] for name in _NODES}
    leaves: dict[str, list[Any]] = {"treeids": [], "nodeids": [], "weights": []}
    for number, (estimator, own) in enumerate(zip(estimators, places, strict=True)):
        tree = estimator.tree_
        is_leaf = tree.children_left < 0
        asked = numpy.where(is_leaf, 0, numpy.asarray(own)[numpy.maximum(tree.feature, 0)])
        values = (
            numpy.full(tree.node_count, number), numpy.arange(tree.node_count), asked,
            numpy.where(is_leaf, 0.0, _below(tree.threshold)),
            numpy.where(is_leaf, "LEAF", "BRANCH_LEQ"),
            numpy.maximum(tree.children_left, 0), numpy.maximum(tree.children_right, 0),
        )  # fmt: skip
        for name, found in zip(_NODES, values, strict=True):
            parts[name].extend(found.tolist())
        ends = numpy.flatnonzero(is_leaf)
        depths = tree.compute_node_depths()[ends] - 1 + _mean_depth(tree.n_node_samples[ends])
        leaves["treeids"].extend([number] * len(ends))
        leaves["nodeids"].extend(ends.tolist())
        leaves["weights"].extend(depths.tolist())
    attributes = {f"nodes_{name}": found for name, found in parts.items()}
    attributes |= {f"target_{name}": found for name, found in leaves.items()}
    return attributes | {"target_ids": [0] * len(leaves["weights"])}


def _below(thresholds: numpy.ndarray) -> numpy.ndarray:
    """The next number of single precision from each threshold down: float32 features are on the same side."""
    import numpy

    rounded = thresholds.astype(numpy.float32)
    return numpy.where(rounded > thresholds, numpy.nextafter(rounded, numpy.float32(-numpy.inf)), rounded)


_NODES = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
