"""Weights of fewer bits: how a language model is quantised, and how much it may lose by that."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aimass_compiler.catalog.metric import MetricName
from aimass_compiler.catalog.quantities import Frozen, Number


class LossGate(Frozen):
    """How much worse one metric may get by quantisation; a model that misses it is not packaged."""

    metric: Annotated[str, MetricName()]
    """The metric, on the test split."""
    loses: Number = Field(ge=0)
    """How much worse the quantised model may be than the model that was evaluated."""


class Quantization(Frozen):
    """How the weights of a language model are made smaller once it is trained."""

    scheme: Literal["int8", "int4", "w8a8", "fp8"]
    """`int8` and `int4`: weights in so many bits, by blocks of a row, for the engine `onnx`. `w8a8` and
    `fp8`: weights and activations in 8 bits, for `vllm`."""
    log_probability: Number = Field(0.5, gt=0, le=10)
    """How far the log-probabilities of the right answers' tokens may move on average."""
    gates: tuple[LossGate, ...] = ()
    """How much worse metrics may get."""

    @property
    def weight_bytes(self) -> float:
        """Of each weight, without the scales of its block."""
        return 0.5 if self.scheme == "int4" else 1
