"""An ONNX graph under construction: its inputs, its nodes and the constants that they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from aimass_compiler import conventions
from aimass_compiler.expression.algebra import Column

#: onnxruntime's own operators, of which MurmurHash3 is one.
_OPSETS = conventions.ONNX_OPSETS | {"com.microsoft": 1}


@dataclass(frozen=True)
class Inputs:
    """Which columns the graph reads: numbers and strings packed into one tensor each, images by name."""

    numbers: tuple[str, ...]
    strings: tuple[str, ...]
    images: tuple[Column, ...]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Inputs:
        """The inputs for these columns, in this order; ids travel as strings, times as seconds since 1970."""
        return cls(
            numbers=tuple(_named(columns, conventions.NUMBERS_TENSOR)),
            strings=tuple(_named(columns, conventions.STRINGS_TENSOR)),
            images=tuple(column for column in columns if not column.type.tensor),
        )

    def packed(self, tensor: str) -> tuple[str, ...]:
        """The columns of a tensor that several share, in their order."""
        return self.numbers if tensor == conventions.NUMBERS_TENSOR else self.strings

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the tensors that hold them."""
        packed = ((conventions.NUMBERS_TENSOR, self.numbers), (conventions.STRINGS_TENSOR, self.strings))
        return (*(name for name, columns in packed if columns), *(image.name for image in self.images))

    def declared(self) -> list[onnx.ValueInfoProto]:
        """The tensors with their types; N is the number of rows."""
        found = []
        for name, kind, columns in (
            (conventions.NUMBERS_TENSOR, TensorProto.DOUBLE, self.numbers),
            (conventions.STRINGS_TENSOR, TensorProto.STRING, self.strings),
        ):
            if columns:
                found.append(helper.make_tensor_value_info(name, kind, ["N", len(columns)]))
        for column in self.images:
            shape = ["N", *(column.type.shape)]
            found.append(helper.make_tensor_value_info(column.name, TensorProto.FLOAT, shape))
        return found


def _named(columns: Sequence[Column], tensor: str) -> Iterator[str]:
    return (column.name for column in columns if column.type.tensor == tensor)


@dataclass
class Graph:
    """The nodes so far, in their order, and the constants by their bytes."""

    inputs: Inputs
    output: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[bytes, onnx.TensorProto] = field(default_factory=dict)

    def node(
        self, operator: str, inputs: Sequence[str], domain: str = "", outputs: int = 1, **attributes: Any
    ) -> str:
        """Add a node and name its first output."""
        name = self._unlike_images(f"n{len(self.nodes)}")
        names = [name, *(f"{name}_{number}" for number in range(1, outputs))]
        node = helper.make_node(operator, list(inputs), names, name=name, domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, value: Any, kind: Any = None) -> str:
        """A constant tensor, shared by all who need the same."""
        array = numpy.asarray(value, dtype=kind)
        if array.dtype.kind in "UO":
            texts = [text.encode() for text in array.ravel()]
            tensor = helper.make_tensor("", TensorProto.STRING, array.shape, texts)
        else:
            tensor = numpy_helper.from_array(array)
        key = tensor.SerializeToString(deterministic=True)
        if key not in self.constants:
            tensor.name = self._unlike_images(f"c{len(self.constants)}")
            self.constants[key] = tensor
        return str(self.constants[key].name)

    def cast(self, value: str, to: int) -> str:
        return self.node("Cast", [value], to=to)

    def row_count(self) -> str:
        """How many rows there are, as a tensor of one number."""
        return self.node("Shape", [self.inputs.tensors[0]], start=0, end=1)

    def finish(self, result: str, kind: int, shape: Sequence[Any]) -> onnx.ModelProto:
        """The whole model with its one output. Raises onnx.checker.ValidationError when it is none."""
        self.nodes.append(helper.make_node("Identity", [result], [self.output], name="result"))
        output = helper.make_tensor_value_info(self.output, kind, ["N", *shape])
        constants = list(self.constants.values())
        graph = helper.make_graph(self.nodes, "features", self.inputs.declared(), [output], constants)
        imports = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(
            graph,
            opset_imports=imports,
            ir_version=conventions.ONNX_IR_VERSION,
            producer_name="aimass-compile",
        )
        onnx.checker.check_model(model)
        return model

    def _unlike_images(self, name: str) -> str:
        """The name, unless an image column has it: columns are named by people."""
        taken = {column.name for column in self.inputs.images}
        while name in taken:
            name += "'"
        return name
