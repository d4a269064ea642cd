"""The ONNX graph as a function from tensors to tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime

from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.package import Package

Tensors = dict[str, "NDArray[Any]"]


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
        _compare("reads", {field.tensor for field in package.signature.fields}, self._session.get_inputs())
        _compare("answers", set(self.outputs), self._session.get_outputs())

    def run(
        self, tensors: Mapping[str, NDArray[Any]], limit: onnxruntime.RunOptions | None = None
    ) -> Tensors:
        """The outputs by name; setting `limit.terminate` from another thread ends the run early."""
        return dict(zip(self.outputs, self._session.run(self.outputs, tensors, limit), strict=True))


def _compare(verb: str, declared: set[str], tensors: Sequence[onnxruntime.NodeArg]) -> None:
    found = {tensor.name for tensor in tensors}
    if declared != found:
        told = f"model.onnx {verb} {sorted(found)}, but signature.json declares {sorted(declared)}"
        raise ServerFailure(ExitCode.PACKAGE, f"{told}; package the model again")


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between predictions would use up the CPU that a container is given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
