"""The ONNX graph as a function from tensors to tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime

from aimass_compiler import conventions
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.package import Package
    from aimass_compiler.runtime.server.signature import Signature

Tensors = dict[str, "NDArray[Any]"]
#: onnxruntime's name of a type, and all sizes but the first.
_Shape = tuple[str, tuple[int, ...]]
_MOST_ROWS = 4096


class Model:
    """One onnxruntime session; `outputs` names what it answers, in order."""

    def __init__(self, package: Package, threads: int) -> None:
        """Load the graph; raises ServerFailure when it is damaged or does not fit its signature."""
        self.outputs = tuple(output["name"] for output in package.signature.outputs)
        try:
            self._session = onnxruntime.InferenceSession(
                package.model, _options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a class of its own for every status
            raise ServerFailure(ExitCode.PACKAGE, f"model.onnx cannot be loaded: {error}") from error
        _compare("reads", _inputs(package.signature), self._session.get_inputs())
        _compare("answers", _outputs(package.signature), self._session.get_outputs())

    def run(
        self, tensors: Mapping[str, NDArray[Any]], limit: onnxruntime.RunOptions | None = None
    ) -> Tensors:
        """The outputs by name; setting `limit.terminate` from another thread ends the run early.

        Many rows are run part by part, so that what the graph makes on its way is never large.
        """
        rows = len(next(iter(tensors.values())))
        if rows <= _MOST_ROWS:
            return dict(zip(self.outputs, self._session.run(self.outputs, tensors, limit), strict=True))
        parts = [
            self._session.run(
                self.outputs,
                {name: tensor[start : start + _MOST_ROWS] for name, tensor in tensors.items()},
                limit,
            )
            for start in range(0, rows, _MOST_ROWS)
        ]
        joined = (numpy.concatenate(outputs) for outputs in zip(*parts, strict=True))
        return dict(zip(self.outputs, joined, strict=True))


def _inputs(signature: Signature) -> dict[str, _Shape]:
    packed = {
        conventions.NUMBERS_TENSOR: ("tensor(double)", (len(signature.numbers),)),
        conventions.STRINGS_TENSOR: ("tensor(string)", (len(signature.strings),)),
    }
    images = {field.tensor: ("tensor(float)", field.shape) for field in signature.images}
    return {name: shape for name, shape in packed.items() if shape[1] != (0,)} | images


def _outputs(signature: Signature) -> dict[str, _Shape]:
    datatypes = {"FP32": "tensor(float)", "FP64": "tensor(double)", "BYTES": "tensor(string)"}
    return {
        output["name"]: (datatypes[output["datatype"]], tuple(output["shape"][1:]))
        for output in signature.outputs
    }


def _compare(verb: str, declared: Mapping[str, _Shape], tensors: Sequence[onnxruntime.NodeArg]) -> None:
    """Raise ServerFailure where names, types or sizes differ; the first size is that of the rows."""
    found = {tensor.name: (tensor.type, tuple(tensor.shape[1:])) for tensor in tensors}
    if declared == found:
        return
    differing = sorted(name for name in declared.keys() | found if declared.get(name) != found.get(name))
    told = f"model.onnx {verb} {_told(found, differing)}, but signature.json declares"
    message = f"{told} {_told(declared, differing)}; package the model again"
    raise ServerFailure(ExitCode.PACKAGE, message)


def _told(shapes: Mapping[str, _Shape], names: Sequence[str]) -> str:
    described = [f"`{name}` {shapes[name][0]} {[-1, *shapes[name][1]]}" for name in names if name in shapes]
    return ", ".join(described) or "nothing else"


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between predictions would use up the CPU that a container is given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
