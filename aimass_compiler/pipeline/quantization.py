"""Weights of fewer bits: how a language model is quantised, and how much it may lose by that."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aimass_compiler.catalog.architecture import BYTES
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.catalog.metric import MetricName
from aimass_compiler.catalog.quantities import Frozen, Number
from aimass_compiler.catalog.quantization_scheme import SCHEMES, QuantizationScheme


class LossGate(Frozen):
    """How much worse one metric may get by quantisation; a model that misses it is not packaged."""

    metric: Annotated[str, MetricName()]
    """The metric, on the test split."""
    loses: Number = Field(ge=0)
    """How much worse the quantised model may be than the model that was evaluated."""


class Quantization(Frozen):
    """How the weights of a language model are made smaller once it is trained."""

    scheme: Literal["int8", "int4", "w8a8", "fp8"]
    """`int8` and `int4`: weights in so many bits, by blocks of a row, for the engine `onnx`. `w8a8`: weights
    and activations as whole numbers of 8 bits, for `vllm`. `fp8`: the same as floats of 8 bits, which
    accelerators alone compute with."""
    log_probability: Number = Field(0.5, gt=0, le=10)
    """How far the log-probabilities of the right answers' tokens may move on average."""
    gates: tuple[LossGate, ...] = ()
    """How much worse metrics may get."""

    @property
    def weight_bytes(self) -> float:
        """Of each weight, without the scales of its block."""
        return BYTES[self.scheme]

    @property
    def how(self) -> QuantizationScheme:
        """What reads such weights, and how they are made."""
        return SCHEMES[self.scheme]

    def is_served_by(self, engine: str | None) -> bool:
        """Whether an engine reads such weights."""
        return engine is not None and self.how.engine == engine_named(engine)
