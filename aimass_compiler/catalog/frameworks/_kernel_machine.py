"""Support vector machines that were fitted: one for each class against the rest, or one for a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.frameworks._scale import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    import onnx

    from aimass_compiler.catalog.task import Task

    #: Nodes of a graph and the constants that they read.
    _Part = tuple[list[onnx.NodeProto], dict[str, numpy.ndarray]]


class KernelMachine(Struct, frozen=True):
    """Machines of scikit-learn; those of classes with a sigmoid that makes their margins probabilities."""

    machines: Sequence[Any]
    task: Task
    features: int
    #: Of the target that a regression was fitted to.
    scale: Scale | None = None

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        import numpy

        precise = numpy.asarray(x, numpy.float64)
        if self.scale is not None:
            return self.scale.restored(self.machines[0].predict(precise))
        likely = numpy.column_stack([machine.predict_proba(precise)[:, 1] for machine in self.machines])
        if self.task.is_binary:
            likely = numpy.hstack([1 - likely, likely])
        together = likely.sum(axis=1, keepdims=True)
        return numpy.asarray(likely / together, numpy.float32)

    def importance(self) -> numpy.ndarray | None:
        """The size of the coefficients, where the kernel is linear."""
        import numpy

        if self._vector_machines[0].kernel != "linear":
            return None
        sizes: numpy.ndarray = numpy.abs(self._coefficients).mean(axis=1)
        return sizes

    def to_onnx(self) -> onnx.ModelProto:
        import numpy
        from onnx import helper

        from aimass_compiler.catalog.artifacts import _graphs

        is_linear = self._vector_machines[0].kernel == "linear"
        nodes, constants = self._linear_sums() if is_linear else self._gaussian_sums()
        constants["bias"] = numpy.array([machine.intercept_[0] for machine in self._vector_machines])
        nodes.append(helper.make_node("Add", ["sums", "bias"], ["margins"]))
        ends = self._number if self.scale is not None else self._probabilities
        more, others = ends()
        return _graphs.in_double([*nodes, *more], constants | others, self.features, self.task)

    def _linear_sums(self) -> _Part:
        from onnx import helper

        return [helper.make_node("MatMul", ["precise", "weights"], ["sums"])], {"weights": self._coefficients}

    def _gaussian_sums(self) -> _Part:
        """exp(-gamma · |x - s|²) of each support vector s, weighed; the square is x² - 2xs + s²."""
        import numpy
        from onnx import helper

        vectors, weights, gamma = self._supports()
        nodes = [
            helper.make_node("Mul", ["precise", "precise"], ["squares"]),
            helper.make_node("MatMul", ["squares", "ones"], ["lengths"]),
            helper.make_node("MatMul", ["precise", "vectors"], ["products"]),
            helper.make_node("Add", ["lengths", "own_lengths"], ["both"]),
            helper.make_node("Add", ["both", "products"], ["distances"]),
            helper.make_node("Max", ["distances", "nothing"], ["apart"]),
            helper.make_node("Mul", ["apart", "fall"], ["powers"]),
            helper.make_node("Exp", ["powers"], ["likeness"]),
            helper.make_node("MatMul", ["likeness", "weights"], ["sums"]),
        ]
        constants = {
            "ones": numpy.ones((self.features, 1)),
            "vectors": -2 * vectors.T,
            "own_lengths": (vectors**2).sum(axis=1),
            "nothing": numpy.array(0.0),
            "fall": numpy.array(-gamma),
            "weights": weights,
        }
        return nodes, constants

    def _number(self) -> _Part:
        import numpy
        from onnx import helper

        assert self.scale is not None  # noqa: S101  # only regressions get here
        nodes = [
            helper.make_node("Mul", ["margins", "deviation"], ["stretched"]),
            helper.make_node("Add", ["stretched", "mean"], ["answer"]),
        ]
        scale = {"deviation": self.scale.deviation, "mean": self.scale.mean}
        return nodes, {name: numpy.array(value) for name, value in scale.items()}

    def _probabilities(self) -> _Part:
        """A sigmoid of each margin, and together 1: of two classes, the first is what the second leaves."""
        import numpy
        from onnx import helper

        sigmoids = [machine.calibrated_classifiers_[0].calibrators[0] for machine in self.machines]
        constants = {
            "slope": numpy.array([-sigmoid.a_ for sigmoid in sigmoids]),
            "shift": numpy.array([-sigmoid.b_ for sigmoid in sigmoids]),
            "one": numpy.array(1.0),
        }
        nodes = [
            helper.make_node("Mul", ["margins", "slope"], ["tilted"]),
            helper.make_node("Add", ["tilted", "shift"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["likely"]),
        ]
        if self.task.is_binary:
            nodes.append(helper.make_node("Sub", ["one", "likely"], ["rest"]))
            nodes.append(helper.make_node("Concat", ["rest", "likely"], ["answer"], axis=1))
            return nodes, constants
        constants["all"] = numpy.ones((self.task.outputs, 1))
        nodes.append(helper.make_node("MatMul", ["likely", "all"], ["together"]))
        nodes.append(helper.make_node("Div", ["likely", "together"], ["answer"]))
        return nodes, constants

    @property
    def _vector_machines(self) -> Sequence[Any]:
        """The machines below their sigmoids."""
        if not self.task.is_classification:
            return self.machines
        return [machine.calibrated_classifiers_[0].estimator for machine in self.machines]

    @property
    def _coefficients(self) -> numpy.ndarray:
        """The weights of linear machines, [F, machines]."""
        import numpy

        return numpy.vstack([_dense(machine.coef_) for machine in self._vector_machines]).T

    def _supports(self) -> tuple[numpy.ndarray, numpy.ndarray, float]:
        """The support vectors of all machines [M, F], their weights in each [M, machines], and gamma."""
        import numpy

        machines = self._vector_machines
        rows, places = numpy.unique(
            numpy.concatenate([machine.support_ for machine in machines]), return_inverse=True
        )
        vectors = numpy.empty((len(rows), self.features))
        weights = numpy.zeros((len(rows), len(machines)))
        ends = numpy.cumsum([len(machine.support_) for machine in machines])[:-1]
        for column, (machine, own) in enumerate(zip(machines, numpy.split(places, ends), strict=True)):
            vectors[own] = _dense(machine.support_vectors_)
            weights[own, column] = _dense(machine.dual_coef_)[0]
        return vectors, weights, float(machines[0]._gamma)  # noqa: SLF001  # what `scale` came to


def _dense(matrix: Any) -> numpy.ndarray:
    import numpy

    return numpy.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
