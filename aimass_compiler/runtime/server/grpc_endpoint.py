"""ModelInfer of the Open Inference Protocol: the same tensors as over HTTP, written in protobuf."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from aimass_compiler.runtime.server import datatypes
from aimass_compiler.runtime.server.endpoints import InferenceRequest, InferEndpoint
from aimass_compiler.runtime.server.grpc_messages import INFERENCE, Messages
from aimass_compiler.runtime.server.response import RequestError, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.endpoints import RawRequest
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.response import Prediction

#: Which part of `contents` has the values of a datatype; half precision has none.
_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_HEADERS = ((b"content-type", b"application/grpc"),)


class GrpcInferEndpoint:
    """Answers a message in the form in which it was asked: raw contents, or a list for each datatype."""

    def __init__(self, signature: Signature, most_values: int) -> None:
        messages = Messages()
        self._asked = messages.of(INFERENCE, "ModelInferRequest")
        self._answered = messages.of(INFERENCE, "ModelInferResponse")
        self._infer = InferEndpoint(signature, most_values)
        self._datatypes = {output["name"]: output["datatype"] for output in signature.outputs}

    def read(self, asked: RawRequest) -> InferenceRequest:
        """The model's tensors; raises RequestError for what the protocol forbids."""
        try:
            message = self._asked.FromString(asked.body)
        except DecodeError as error:
            raise RequestError(400, "the message is no ModelInferRequest") from error
        raw = message.raw_input_contents
        if raw and len(raw) != len(message.inputs):
            text = f"`raw_input_contents` has {len(raw)} parts for {len(message.inputs)} inputs"
            raise RequestError(400, f"{text}; send one for each, in the same order")
        sizes: list[int | None] = [len(part) for part in raw] if raw else [None] * len(message.inputs)
        document = {
            "id": message.id or None,
            "parameters": _parameters(message.parameters),
            "inputs": [_input(tensor, size) for tensor, size in zip(message.inputs, sizes, strict=True)],
            "outputs": [
                {"name": output.name, "parameters": _parameters(output.parameters)}
                for output in message.outputs
            ],
        }
        written = partial(self._written, is_raw=bool(raw))
        return self._infer.understood(document, memoryview(b"".join(raw)), written)

    def _written(
        self, document: Mapping[str, Any], wanted: Mapping[str, bool], prediction: Prediction, *, is_raw: bool
    ) -> Response:
        answer = self._answered(**document)
        for name in wanted:
            tensor, datatype = prediction.outputs[name], self._datatypes[name]
            output = answer.outputs.add(name=name, datatype=datatype, shape=tensor.shape)
            if is_raw:
                answer.raw_output_contents.append(datatypes.raw_bytes(tensor))
                continue
            values = tensor.ravel().tolist()
            if datatype == datatypes.BYTES:
                values = [str(value).encode() for value in values]
            getattr(output.contents, _CONTENTS[datatype]).extend(values)
        return Response(200, answer.SerializeToString(), _HEADERS, prediction)


def _parameters(found: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: value.WhichOneof("parameter_choice") for name, value in found.items()}
    return {name: getattr(found[name], kind) if kind else None for name, kind in chosen.items()}


def _input(tensor: Any, size: int | None) -> dict[str, Any]:
    """The tensor as JSON has it; of raw contents only their size."""
    parameters = _parameters(tensor.parameters)
    described = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    if size is None:
        return {**described, "parameters": parameters, "data": _values(tensor)}
    if tensor.HasField("contents"):
        message = f"`{tensor.name}` has both `contents` and `raw_input_contents`; send one of them"
        raise RequestError(400, message, tensor.name)
    return {**described, "parameters": {**parameters, "binary_data_size": size}}


def _values(tensor: Any) -> list[Any]:
    wanted = _CONTENTS.get(tensor.datatype)
    wrong = next((field.name for field, _ in tensor.contents.ListFields() if field.name != wanted), None)
    if wrong is not None or (wanted is None and tensor.datatype in datatypes.DTYPES):
        text = f"must be in `{wanted}`, not in `{wrong}`" if wanted else "must be in `raw_input_contents`"
        raise RequestError(400, f"values of `{tensor.name}`, {tensor.datatype}, {text}", tensor.name)
    values = list(getattr(tensor.contents, wanted)) if wanted else []
    if tensor.datatype != datatypes.BYTES:
        return values
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise RequestError(400, f"`{tensor.name}` is not UTF-8: {error}", tensor.name) from None
