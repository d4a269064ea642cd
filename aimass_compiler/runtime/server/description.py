"""What a server tells of itself: the documents behind GET."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler import __version__, conventions
from aimass_compiler.runtime.server import binary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.runtime.server.signature import Field, Signature

_SERVER = "aimass"


def index(signature: Signature) -> dict[str, Any]:
    """What there is, and a request that can be copied."""
    return {
        "model": signature.model,
        "version": signature.version,
        "task": signature.task,
        "endpoints": {
            "predict": f"POST {conventions.PREDICT_PATH}",
            "infer": f"POST {model_path(signature)}/infer",
            "contract": f"GET {model_path(signature)}",
            "ready": f"GET {conventions.READY_PATH}",
            "openapi": f"GET {conventions.OPENAPI_PATH}",
            "metrics": f"GET {conventions.METRICS_PATH}",
        },
        "example": {"rows": [signature.example]},
    }


def model_path(signature: Signature) -> str:
    """Where the Open Inference Protocol has this model."""
    return f"{conventions.MODELS_PATH}/{signature.model}"


def server() -> dict[str, Any]:
    """The server's metadata."""
    return {"name": _SERVER, "version": __version__, "extensions": [binary.EXTENSION]}


def model(signature: Signature) -> dict[str, Any]:
    """The model's metadata: one input a column; what the protocol has no word for is in `parameters`."""
    return {
        "name": signature.model,
        "versions": [signature.version],
        "platform": "onnx_onnxv1",
        "inputs": [_input(field) for field in signature.fields],
        "outputs": list(signature.outputs),
        "parameters": {
            "task": signature.task,
            "trained_at": signature.trained_at,
            "packed_inputs": [
                _packed(name, datatype, fields)
                for name, datatype, fields in (
                    (conventions.NUMBERS_TENSOR, "FP64", signature.numbers),
                    (conventions.STRINGS_TENSOR, binary.BYTES, signature.strings),
                )
                if fields
            ],
        },
    }


def _input(field: Field) -> dict[str, Any]:
    datatype = {conventions.NUMBERS_TENSOR: "FP64", conventions.STRINGS_TENSOR: binary.BYTES}
    contract: dict[str, Any] = {"type": field.type, "nullable": field.nullable}
    limits = {"min": field.minimum, "max": field.maximum, "unit": field.unit or None, "values": field.values}
    contract |= {name: limit for name, limit in limits.items() if limit is not None}
    return {
        "name": field.name,
        "datatype": "FP32" if field.shape else datatype[field.tensor],
        "shape": [-1, *(field.shape or (1,))],
        "parameters": contract,
    }


def _packed(tensor: str, datatype: str, fields: Sequence[Field]) -> dict[str, Any]:
    names = [field.name for field in fields]
    return {"name": tensor, "datatype": datatype, "shape": [-1, len(fields)], "columns": names}
