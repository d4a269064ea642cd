"""The schemes by which weights get fewer bits: what reads each, and what it takes to make it."""

from __future__ import annotations

from msgspec import Struct

from aimass_compiler.catalog.language_engine import ONNX, VLLM, LanguageEngine


class QuantizationScheme(Struct, frozen=True):
    """One way to keep weights in fewer bits."""

    engine: LanguageEngine
    """What reads such weights."""
    made_as: str
    """What it is called by what makes it: onnxruntime-genai's builder, or compressed-tensors."""
    is_calibrated: bool = False
    """Whether rows say how it is made best."""
    needs_accelerator: bool = False
    """Whether no CPU computes with it."""


#: By the names that specs have.
SCHEMES = {
    "int8": QuantizationScheme(ONNX, "int8"),
    "int4": QuantizationScheme(ONNX, "int4"),
    "w8a8": QuantizationScheme(VLLM, "W8A8", is_calibrated=True),
    "fp8": QuantizationScheme(VLLM, "FP8_DYNAMIC", needs_accelerator=True),
}
