"""The schemes by which weights get fewer bits: what reads each, and what it takes to make it."""

from __future__ import annotations

from msgspec import Struct


class QuantizationScheme(Struct, frozen=True):
    """One way to keep weights in fewer bits."""

    engine: str
    """The engine that reads such weights, as `serving.engine` names it."""
    made_as: str
    """What it is called by what makes it: onnxruntime-genai's builder, or compressed-tensors."""
    is_calibrated: bool = False
    """Whether rows say how it is made best."""
    needs_accelerator: bool = False
    """Whether no CPU computes with it."""


#: By the names that specs have.
SCHEMES = {
    "int8": QuantizationScheme("onnx", "int8"),
    "int4": QuantizationScheme("onnx", "int4"),
    "w8a8": QuantizationScheme("vllm", "W8A8", is_calibrated=True),
    "fp8": QuantizationScheme("vllm", "FP8_DYNAMIC", needs_accelerator=True),
}
