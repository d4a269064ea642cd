"""The packaged graph as far as explanations read it: what it computes of the features, and how it ends.

Of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto only the fields that are needed; protobuf keeps all
others as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from aimass_compiler.runtime.server.explanations.tree_ensemble import (
    TreeEnsemble,
    read_trees,
)
from aimass_compiler.runtime.server.protobuf_messages import MessageFile, message_class, pool_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_ONNX = MessageFile(
    "onnx.proto",
    "onnx",
    {
        "ModelProto": ("7 graph GraphProto",),
        "GraphProto": (
            "node *NodeProto",
            "5 initializer *TensorProto",
            "12 output *ValueInfoProto",
        ),
        # Attributes are read of few nodes, and so are bytes before that.
        "NodeProto": ("input *string", "output *string", "4 op_type string", "5 attribute *bytes"),
        "AttributeProto": (
            "name string",
            "3 i int64",
            "s bytes",
            "t TensorProto",
            "7 floats *float",
            "8 ints *int64",
            "strings *bytes",
        ),
        "TensorProto": (
            "dims *int64",
            "data_type int32",
            "4 float_data *float",
            "7 int64_data *int64",
            "name string",
            "raw_data bytes",
            "double_data *double",
        ),
        "ValueInfoProto": ("name string",),
    },
)
_POOL = pool_of([_ONNX.described()])
_MODEL, _ATTRIBUTE = (message_class(_POOL, f"onnx.{name}") for name in ("ModelProto", "AttributeProto"))
#: onnx.TensorProto.DataType of what is read here, and the field that has it where it is not raw.
_FLOAT, _DOUBLE = 1, 11
_TYPES = {_FLOAT: ("<f4", "float_data"), 7: ("<i8", "int64_data"), _DOUBLE: ("<f8", "double_data")}
#: What the transforms give and the model takes.
FEATURES = "features"
_KEEPING = ("Identity", "Reshape")
_ENSEMBLES = {"TreeEnsembleRegressor": "target", "TreeEnsembleClassifier": "class"}
#: How far rounding brings a sum out of its bounds.
_ROUNDING = 1e-5
_TWO = 2


class Trees(NamedTuple):
    """An ensemble of trees, whose sums [O] give what is explained, [K]: `sums @ slopes + offsets`."""

    ensemble: TreeEnsemble
    slopes: NDArray[numpy.float64]
    offsets: NDArray[numpy.float64]


class ScoringGraph:
    """A packaged graph: transforms up to the features, and behind them a model."""

    def __init__(self, model: bytes) -> None:
        self._bytes = model
        self._graph = _parsed(model).graph
        self._constants = {constant.name: constant for constant in self._graph.initializer}
        self._producers = {name: node for node in self._graph.node for name in node.output}

    def transforms(self) -> bytes:
        """The graph that ends with the features."""
        model = _parsed(self._bytes)
        place = next(place for place, node in enumerate(model.graph.node) if FEATURES in node.output)
        del model.graph.node[place + 1 :]  # each stands behind those that it reads from
        del model.graph.output[:]
        model.graph.output.add(name=FEATURES)
        return bytes(model.SerializeToString())

    def is_linear(self, output: str, *, in_log_odds: bool) -> bool:
        """Whether an output adds up its features, each times a number."""
        chain = self._chain(output)
        if chain is None or chain[0].op_type != "MatMul" or chain[0].input[1] not in self._constants:
            return False
        ends = (*_KEEPING, "Cast", "Add", "Mul", "Sub", *(("Softmax",) if in_log_odds else ()))
        return all(node.op_type in ends for node in chain[1:]) and self._reads_features(chain[0].input[0])

    def trees(self, output: str, classes: int, most_values: int, *, in_log_odds: bool) -> Trees | None:
        """The trees that an output, of so many classes or none, adds up; None where it does not.

        Raises TreesError as `read_trees` does.
        """
        chain = self._chain(output)
        if chain is None or chain[0].op_type not in _ENSEMBLES or not self._reads_features(chain[0].input[0]):
            return None
        attributes = _attributes(chain[0])
        leaves = _ENSEMBLES[chain[0].op_type]
        ending = attributes.get("post_transform", b"NONE")
        sums = _sums(attributes, leaves, classes)
        found = _slopes(ending, sums, max(1, classes), in_log_odds=in_log_odds)
        if found is None:
            return None
        ensemble = read_trees(attributes, leaves, sums, most_values)
        slopes, offsets = found
        bounds = None if in_log_odds else _bounds(ensemble, slopes, offsets)
        stretched = self._stretched(chain[1:], bounds)
        if stretched is None or (in_log_odds and stretched != (1.0, 0.0)):
            return None
        factor, offset = stretched
        return Trees(ensemble, slopes * factor, offsets * factor + offset)

    def _chain(self, output: str) -> list[Any] | None:
        """The nodes from a model to an output, each of which changes what the one before it gives."""
        found: list[Any] = []
        while (node := self._producers.get(output)) is not None:
            found.insert(0, node)
            if node.op_type in _ENSEMBLES or node.op_type == "MatMul":
                is_first = list(node.output).index(output) == (node.op_type == "TreeEnsembleClassifier")
                return found if is_first else None
            varying = [name for name in node.input if name and name not in self._constants]
            if len(varying) != 1:
                return None
            (output,) = varying
        return None

    def _reads_features(self, name: str) -> bool:
        """Whether something is the features, in single or double precision."""
        while name != FEATURES:
            node = self._producers.get(name)
            if node is None or node.op_type not in ("Cast", "Identity") or not _keeps(node):
                return False
            name = node.input[0]
        return name in self._producers

    def _stretched(
        self, nodes: Sequence[Any], bounds: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        """By which factor the nodes multiply and what they add then; None where they do anything else.

        They may clip what is never outside of these bounds, None for probabilities.
        """
        factor, offset = 1.0, 0.0
        for node in nodes:
            if _keeps(node):
                continue
            known = [self._number(name) for name in node.input if name in self._constants]
            values = [value for value in known if value is not None]
            match node.op_type, values:
                case "Mul", [value]:
                    factor, offset = factor * value, offset * value
                case "Add", [value]:
                    offset += value
                case "Sub", [value] if node.input[1] in self._constants:
                    offset -= value
                case "Clip", [least, most] if self._holds(least, most, bounds, factor, offset):
                    pass
                case _:
                    return None
        return factor, offset

    @staticmethod
    def _holds(
        least: float, most: float, bounds: tuple[float, float] | None, factor: float, offset: float
    ) -> bool:
        """Whether what is clipped is within these bounds anyway, but for rounding."""
        low, high = sorted(bound * factor + offset for bound in bounds or (0.0, 1.0))
        return least - _ROUNDING <= low and high <= most + _ROUNDING

    def _number(self, name: str) -> float | None:
        """A constant that is one number; None for any other."""
        constant = self._constants[name]
        if constant.data_type not in _TYPES:
            return None
        values = _values(constant)
        return float(values[0]) if len(values) == 1 else None


def _parsed(model: bytes) -> Any:
    return _MODEL.FromString(model)


def _keeps(node: Any) -> bool:
    """Whether a node changes no number, or only its precision."""
    if node.op_type == "Cast":
        return _attributes(node).get("to") in (_FLOAT, _DOUBLE)
    return node.op_type in _KEEPING


def _attributes(node: Any) -> dict[str, Any]:
    return {read.name: _value(read) for read in map(_ATTRIBUTE.FromString, node.attribute)}


def _value(attribute: Any) -> Any:
    """Numbers as arrays; onnx writes but one of the fields."""
    if len(attribute.ints):
        return numpy.array(attribute.ints, numpy.int64)
    if len(attribute.floats):
        return numpy.array(attribute.floats, numpy.float32)
    if len(attribute.strings):
        return list(attribute.strings)
    if attribute.HasField("t"):
        return _values(attribute.t)
    return attribute.s or attribute.i


def _values(tensor: Any) -> NDArray[Any]:
    kind, field = _TYPES[tensor.data_type]
    if tensor.raw_data:
        return numpy.frombuffer(tensor.raw_data, kind)
    return numpy.array(getattr(tensor, field), kind)


def _sums(attributes: Mapping[str, Any], leaves: str, classes: int) -> int:
    """How many sums an ensemble gives; a classifier of two classes may have leaves of one alone."""
    if leaves == "target":
        return int(attributes.get("n_targets", 1))
    return 1 if len(numpy.unique(attributes["class_ids"])) == 1 else classes


def _slopes(
    ending: bytes, sums: int, classes: int, *, in_log_odds: bool
) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]] | None:
    """How what is explained, [K], follows from sums [O]: slopes [O, K] and offsets [K].

    None where it is no sum of them: a probability that is the sigmoid of one, or the log-odds of a mean.
    """
    is_odds_of_two = sums == 1 and classes == _TWO
    if ending == b"NONE" and not in_log_odds:
        if is_odds_of_two:
            return numpy.array([[-1.0, 1.0]]), numpy.array([1.0, 0.0])
        return (numpy.eye(sums), numpy.zeros(sums)) if sums == classes else None
    if not in_log_odds:
        return None
    if ending == b"LOGISTIC" and is_odds_of_two:
        return numpy.array([[-1.0, 1.0]]), numpy.zeros(_TWO)
    if ending == b"SOFTMAX" and sums == classes > 1:
        return (numpy.eye(sums) * sums - 1) / (sums - 1), numpy.zeros(sums)
    return None


def _bounds(
    ensemble: TreeEnsemble, slopes: NDArray[numpy.float64], offsets: NDArray[numpy.float64]
) -> tuple[float, float]:
    ends = numpy.stack([bound @ slopes + offsets for bound in ensemble.bounds()])
    return float(ends.min()), float(ends.max())
