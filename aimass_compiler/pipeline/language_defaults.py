"""What a language model's serving is where the spec does not say: its engine, limits and objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aimass_compiler.catalog.language_engine import ONNX, VLLM, LanguageEngine, engine_named
from aimass_compiler.catalog.quantities import Bytes, Cores, Duration
from aimass_compiler.pipeline.serving import Limits, Objectives, Resources, Serving
from aimass_compiler.pipeline.text_engine import TokenTimes, Vllm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.pipeline.accelerator import Accelerator
    from aimass_compiler.pipeline.quantization import Quantization

_CONCURRENT = 8
#: The key with an engine's options.
_OPTIONS = "vllm"
#: An answer is written token by token.
_TIMEOUT = Duration("2m")
_FIRST_TOKEN, _TOKEN = TokenTimes(p95=Duration("1s")), TokenTimes(p95=Duration("100ms"))


def generating(
    serving: Serving,
    conversation: Conversation | None,
    models: Sequence[Model],
    accelerator: Accelerator | None = None,
    precision: Literal["float32", "bf16"] | None = None,
    quantize: Quantization | None = None,
) -> Serving:
    """The serving of a model that writes text, every default written out; unchanged for all others.

    `precision` is what it is trained and certified with, `quantize` how its weights are made smaller.
    """
    if conversation is None or not models[0].artifact.engines:
        return serving
    usual = ONNX if accelerator is None else VLLM
    engine = engine_named(serving.engine or usual.name)
    is_narrow = precision == "bf16" or (quantize is not None and quantize.is_served_by(engine.name))
    return serving.filled(
        engine=engine.name,
        target=serving.target or "kubernetes",
        context=serving.context or conversation.sequence_length,
        concurrent=serving.concurrent or _CONCURRENT,
        structured_output=serving.structured_output or "from target",
        model=serving.model if engine.is_ours else "volume",
        vllm=_options(serving, accelerator, is_narrow=is_narrow)
        if _OPTIONS in engine.own_keys
        else serving.vllm,
        limits=_limits(serving.limits),
        objectives=_objectives(serving.objectives),
        resources=_resources(serving.resources, engine),
    )


def _options(serving: Serving, accelerator: Accelerator | None, *, is_narrow: bool) -> Vllm:
    """vLLM's own default casts weights of 32 bits to 16, whose answers are not those that were certified."""
    options = serving.vllm or Vllm.default()
    has_no_wide_kernels = options.quantization is not None or bool(serving.adapters and accelerator)
    narrow = is_narrow or has_no_wide_kernels
    return options.filled(dtype=options.dtype or ("bfloat16" if narrow else "float32"))


def _limits(written: Limits) -> Limits:
    return written if "timeout" in written.model_fields_set else written.filled(timeout=_TIMEOUT)


def _objectives(written: Objectives) -> Objectives:
    """Whole answers are as long as they are: promised are the times of tokens."""
    latency = written.latency
    return written.filled(
        latency=latency if "p99" in latency.model_fields_set else latency.filled(p99=None),
        first_token=written.first_token or _FIRST_TOKEN,
        token=written.token or _TOKEN,
    )


def _resources(written: Resources, engine: LanguageEngine) -> Resources:
    usual = {"cpu": Cores(engine.cpu), "memory": Bytes(engine.memory)}.items()
    return written.filled(**{key: value for key, value in usual if key not in written.model_fields_set})
