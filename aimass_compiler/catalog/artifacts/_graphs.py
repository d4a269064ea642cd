"""Graphs: what an exported model is made into, from `features` to `scores`, and both joined to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, compose, helper, version_converter

from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts._horizon import ahead
from aimass_compiler.catalog.artifacts._labels import add_labels
from aimass_compiler.catalog.calibration import LEAST_PROBABILITY, Sigmoid
from aimass_compiler.conventions import ONNX_IR_VERSION, ONNX_OPSETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy

    from aimass_compiler.catalog.calibration import Calibration, PiecewiseLinear
    from aimass_compiler.catalog.forecast import IntervalWidths
    from aimass_compiler.catalog.frameworks._scale import Scale
    from aimass_compiler.catalog.task import Task, Thresholds

_SCORES_SHAPE = "scores_shape"
#: Before the names of the model's nodes, so that they never meet those of the transforms.
_PREFIX = "model/"
#: Before the names that are added here.
_OWN = "package/"
_CALIBRATION = "calibration/"


def from_output(
    model: onnx.ModelProto,
    output: str,
    features: Sequence[int],
    task: Task,
    scale: Scale | None,
    *,
    log_link: bool = False,
) -> onnx.ModelProto:
    """The part of a converted model that computes `output`, as a graph from `features` to `scores`.

    `features` is the shape of one row: float32, or int64 where the model reads codes. What only the model's
    other outputs need is left out; its inputs and outputs may be double. Predictions of a scaled target are
    brought back to their unit, and probabilities between 0 and 1: 40 trees that add 1/40 each come to
    1.0000001 in single precision. With a `log_link`, the output is a prediction's logarithm.
    """
    import numpy
    from onnx import numpy_helper
    from onnx.utils import Extractor

    own = model.graph.input[0]
    part = Extractor(model).extract_model([own.name], [output]).graph
    nodes = [
        helper.make_node("Cast", ["features"], [own.name], to=own.type.tensor_type.elem_type),
        *part.node,
        helper.make_node("Reshape", [output, _SCORES_SHAPE], ["shaped"]),
        helper.make_node("Cast", ["shaped"], ["typed"], to=_type_of(task)),
    ]
    values: dict[str, numpy.floating[Any]] = {}
    if task.is_classification:
        values = {"impossible": numpy.float32(0), "certain": numpy.float32(1)}
        nodes.append(helper.make_node("Clip", ["typed", *values], ["scores"]))
    elif scale is None:
        nodes.append(helper.make_node("Identity", ["typed"], ["scores"]))
    else:
        values = {"deviation": numpy.float64(scale.deviation), "mean": numpy.float64(scale.mean)}
        nodes.append(helper.make_node("Exp" if log_link else "Identity", ["typed"], ["linked"]))
        nodes.append(helper.make_node("Mul", ["linked", "deviation"], ["stretched"]))
        nodes.append(helper.make_node("Add", ["stretched", "mean"], ["scores"]))
    constants = [numpy_helper.from_array(numpy.asarray(value), name) for name, value in values.items()]
    kind = TensorProto.INT64 if own.type.tensor_type.elem_type == TensorProto.INT64 else TensorProto.FLOAT
    return _assembled(nodes, [*part.initializer, *constants], features, task, kind)


def linear(
    weights: numpy.ndarray, bias: numpy.ndarray, task: Task, *, log_link: bool = False
) -> onnx.ModelProto:
    """`features · weights + bias` for weights [F, K], made probabilities for classes, computed in double.

    With a `log_link` it is the logarithm of a number.

    In single precision, features of some thousands would move probabilities by more than 1e-5.
    """
    last = "Softmax" if task.is_classification else "Exp" if log_link else "Identity"
    nodes = [
        helper.make_node("MatMul", ["precise", "weights"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["sums"]),
        helper.make_node(last, ["sums"], ["answer"], **({"axis": 1} if task.is_classification else {})),
    ]
    return in_double(nodes, {"weights": weights, "bias": bias}, weights.shape[0], task)


def in_double(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, numpy.ndarray], features: int, task: Task
) -> onnx.ModelProto:
    """A graph of nodes from `precise`, the features [N, F] in double, to `answer`, the scores."""
    import numpy
    from onnx import numpy_helper

    ends = [
        helper.make_node("Cast", ["features"], ["precise"], to=TensorProto.DOUBLE),
        *nodes,
        helper.make_node("Reshape", ["answer", _SCORES_SHAPE], ["shaped"]),
        helper.make_node("Cast", ["shaped"], ["scores"], to=_type_of(task)),
    ]
    initializers = [
        numpy_helper.from_array(numpy.asarray(value, numpy.float64), name)
        for name, value in constants.items()
    ]
    return _assembled(ends, initializers, [features], task)


def _type_of(task: Task) -> int:
    """The type of the scores: a number has the digits of the target, which may need a double."""
    return int(TensorProto.FLOAT if task.is_classification else TensorProto.DOUBLE)


def _assembled(
    nodes: Any, initializers: Any, features: Sequence[int], task: Task, kind: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    """A checked model of these nodes, of which one gives `scores`."""
    scores = [task.outputs] if task.is_classification else []
    lengths = helper.make_tensor(_SCORES_SHAPE, TensorProto.INT64, [1 + len(scores)], [-1, *scores])
    graph = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info("features", kind, ["N", *features])],
        [helper.make_tensor_value_info("scores", _type_of(task), ["N", *scores])],
        [*initializers, lengths],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in ONNX_OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ONNX_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def calibrated(model: onnx.ModelProto, calibration: Calibration, task: Task) -> onnx.ModelProto:
    """The same model with calibrated `scores`, computed in double as `Calibration.apply` does."""
    graph = model.graph
    raw = f"{_CALIBRATION}raw"
    for node in graph.node:
        node.output[:] = [raw if name == "scores" else name for name in node.output]
        node.input[:] = [raw if name == "scores" else name for name in node.input]
    part = GraphPart(_CALIBRATION)
    precise = part.add("Cast", raw, to=TensorProto.DOUBLE)
    kept = part.add("Clip", precise, part.number(LEAST_PROBABILITY), part.number(1 - LEAST_PROBABILITY))
    logits = part.add("Sub", part.add("Log", kept), part.add("Log", part.add("Sub", part.number(1.0), kept)))
    columns = {
        place: _curve(part, curve, part.add("Gather", logits, part.whole([place]), axis=1))
        for place, curve in zip(task.judged, calibration.curves, strict=True)
    }
    if task.is_binary:
        ((positive, share),) = columns.items()
        columns[1 - positive] = part.add("Sub", part.number(1.0), share)
    beside = part.add("Concat", *(columns[place] for place in range(task.outputs)), axis=1)
    if not task.is_binary and not task.is_multilabel:
        raised = part.add("Add", beside, part.number(LEAST_PROBABILITY))
        beside = part.add("Div", raised, part.add("ReduceSum", raised, part.whole([1]), keepdims=1))
    graph.node.extend([*part.nodes, helper.make_node("Cast", [beside], ["scores"], to=TensorProto.FLOAT)])
    graph.initializer.extend(part.constants)
    onnx.checker.check_model(model, full_check=True)
    return model


def _curve(part: GraphPart, curve: Sigmoid | PiecewiseLinear, logits: str) -> str:
    """The calibrated probability of log-odds [N, 1]."""
    if isinstance(curve, Sigmoid):
        stretched = part.add("Mul", logits, part.number(curve.slope))
        return part.add("Sigmoid", part.add("Add", stretched, part.number(curve.offset)))
    starts, ends = curve.logits[:-1], curve.logits[1:]
    slopes = [
        (above - below) / (end - start)
        for below, above, start, end in zip(
            curve.probabilities[:-1], curve.probabilities[1:], starts, ends, strict=True
        )
    ]
    within = part.add("Clip", logits, part.number(starts[0]), part.number(ends[-1]))
    passed = part.add("GreaterOrEqual", within, part.number(list(starts)))
    count = part.add("ReduceSum", part.add("Cast", passed, to=TensorProto.INT64), part.whole([1]), keepdims=1)
    step = part.add("Sub", count, part.whole([1]))
    start, share, slope = (
        part.add("Gather", part.number(list(values)), step)
        for values in (starts, curve.probabilities[:-1], slopes)
    )
    return part.add("Add", share, part.add("Mul", slope, part.add("Sub", within, start)))


class GraphPart:
    """Nodes and constants that are added to a graph, under names that start alike."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: int) -> str:
        """Add a node, and answer the name of what it gives."""
        name = f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def number(self, value: float | list[float]) -> str:
        """A constant in double."""
        if isinstance(value, list):
            return self._constant(TensorProto.DOUBLE, [len(value)], value)
        return self._constant(TensorProto.DOUBLE, [], [value])  # Clip takes no dimension

    def whole(self, values: list[int]) -> str:
        """A constant of whole numbers."""
        return self._constant(TensorProto.INT64, [len(values)], values)

    def _constant(self, kind: int, shape: list[int], values: Sequence[float]) -> str:
        name = f"{self._prefix}constant{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, kind, shape, values))
        return name


def join(
    features: onnx.ModelProto,
    model: onnx.ModelProto,
    task: Task,
    threshold: Thresholds | None = None,
    read: Sequence[Mapping[str, Any]] = (),
    widths: IntervalWidths | None = None,
) -> onnx.ModelProto:
    """The graph that serving runs; its outputs are those of `conventions`.

    The inputs are those of `features`. A classification gives `probabilities` float32 [N, K] and
    `label` string [N], or for several labels `labels` bool [N, L]; a regression gives `prediction` float64
    [N]. The label is the likeliest class, or of two
    the positive one from a threshold on. With `widths`, a regression gives `lower` and `upper`, float64 [N].
    A forecast, whose rows read the `inputs` of features.json, answers `prediction`, `lower` and `upper`
    float64 [N, H].
    """
    features, model = _harmonised(features, model)
    joined = compose.merge_models(features, model, io_map=[("features", "features")], prefix2=_PREFIX)
    del joined.opset_import[len(features.opset_import) :]  # merge_models keeps both lists, which are the same
    scores = f"{_PREFIX}scores"
    if task.forecast is not None and widths is not None:
        return _named(ahead(joined, scores, read, task, widths))
    del joined.graph.output[:]
    if task.is_multilabel:
        add_labels(joined.graph, scores, task, threshold)
    elif task.is_classification:
        _add_classes(joined.graph, scores, task, threshold)
    else:
        _add_prediction(joined.graph, scores)
        if widths is not None:
            _add_interval(joined.graph, widths.widths[0])
    return _named(joined)


def _named(joined: onnx.ModelProto) -> onnx.ModelProto:
    joined.producer_name = conventions.MANAGER
    joined.graph.name = "package"
    onnx.checker.check_model(joined)
    return joined


def _harmonised(features: onnx.ModelProto, model: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Both with the newer of their operator sets and formats: older ones convert upwards, never down."""
    newest = newest_opsets((features, model))
    ir_version = max(features.ir_version, model.ir_version)
    return raised_to(features, newest, ir_version), raised_to(model, newest, ir_version)


def newest_opsets(models: Sequence[onnx.ModelProto]) -> dict[str, int]:
    """The newest version of each domain."""
    newest: dict[str, int] = {}
    for graph in models:
        for domain, version in _opsets(graph).items():
            newest[domain] = max(version, newest.get(domain, 0))
    return newest


def _opsets(model: onnx.ModelProto) -> dict[str, int]:
    """The versions by domain; `ai.onnx` is the other name of the default domain."""
    return {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}


def raised_to(model: onnx.ModelProto, opsets: dict[str, int], ir_version: int) -> onnx.ModelProto:
    """The same graph in newer opsets, by their domains, so that it can be joined to others of these."""
    own = _opsets(model).get("", opsets[""])
    raised = version_converter.convert_version(model, opsets[""]) if own != opsets[""] else onnx.ModelProto()
    if own == opsets[""]:
        raised.CopyFrom(model)
    del raised.opset_import[:]
    raised.opset_import.extend(
        helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items())
    )
    raised.ir_version = ir_version
    return raised


def _add_classes(graph: onnx.GraphProto, scores: str, task: Task, threshold: Thresholds | None) -> None:
    names = [name.encode() for name in task.classes]
    classes, given = f"{_OWN}classes", f"{_OWN}given"
    graph.initializer.append(helper.make_tensor(classes, TensorProto.STRING, [len(names)], names))
    graph.node.append(
        helper.make_node("Identity", [scores], [conventions.PROBABILITIES_OUTPUT], name="probabilities")
    )
    if not isinstance(threshold, float):
        graph.node.append(helper.make_node("ArgMax", [scores], [given], name="likeliest", axis=1, keepdims=0))
    else:
        _add_decision(graph, scores, given, task.judged[0], threshold)
    graph.node.append(helper.make_node("Gather", [classes, given], [conventions.LABEL_OUTPUT], name="label"))
    shape = ["N", len(names)]
    graph.output.extend(
        (
            helper.make_tensor_value_info(conventions.PROBABILITIES_OUTPUT, TensorProto.FLOAT, shape),
            helper.make_tensor_value_info(conventions.LABEL_OUTPUT, TensorProto.STRING, ["N"]),
        )
    )


def _add_decision(graph: onnx.GraphProto, scores: str, given: str, positive: int, threshold: float) -> None:
    """`given` is the number of the positive class where its probability reaches the threshold."""
    whole, number = TensorProto.INT64, f"{_OWN}positive"
    graph.initializer.extend(
        (
            helper.make_tensor(number, whole, [], [positive]),
            helper.make_tensor(f"{_OWN}other", whole, [], [1 - positive]),
            helper.make_tensor(f"{_OWN}threshold", TensorProto.FLOAT, [], [threshold]),
        )
    )
    chance, reached = f"{_OWN}chance", f"{_OWN}reached"
    graph.node.extend(
        (
            helper.make_node("Gather", [scores, number], [chance], name="chance", axis=1),
            helper.make_node("GreaterOrEqual", [chance, f"{_OWN}threshold"], [reached], name="reached"),
            helper.make_node("Where", [reached, number, f"{_OWN}other"], [given], name="given"),
        )
    )


def _add_prediction(graph: onnx.GraphProto, scores: str) -> None:
    graph.initializer.append(helper.make_tensor(f"{_OWN}flat", TensorProto.INT64, [1], [-1]))
    shaped, answer = f"{_OWN}shaped", conventions.PREDICTION_OUTPUT
    graph.node.extend(
        (
            helper.make_node("Reshape", [scores, f"{_OWN}flat"], [shaped], name="flat"),
            helper.make_node("Cast", [shaped], [answer], name="prediction", to=TensorProto.DOUBLE),
        )
    )
    graph.output.append(
        helper.make_tensor_value_info(conventions.PREDICTION_OUTPUT, TensorProto.DOUBLE, ["N"])
    )


def _add_interval(graph: onnx.GraphProto, radius: float) -> None:
    """A radius below the prediction, and one above it."""
    name, precise = f"{_OWN}radius", TensorProto.DOUBLE
    graph.initializer.append(helper.make_tensor(name, precise, [], [radius]))
    for output, operator in ((conventions.LOWER_OUTPUT, "Sub"), (conventions.UPPER_OUTPUT, "Add")):
        node = helper.make_node(operator, [conventions.PREDICTION_OUTPUT, name], [output], name=output)
        graph.node.append(node)
        graph.output.append(helper.make_tensor_value_info(output, precise, ["N"]))
