"""How a language model is served: promised times of tokens, adapters, answers of a form, options of vLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag

from aimass_compiler.catalog.quantities import Duration, Flag, Frozen, Integer, Number, Within
from aimass_compiler.pipeline.model_name import ModelName

#: Times of a token: below a millisecond nothing is measured, and nobody waits an hour.
TokenTime = Annotated[Duration, Within("1ms", "1h")]

#: Of an object of Kubernetes.
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]


class TokenTimes(Frozen):
    """Upper ends of a time to wait for tokens; each percentile is a separate objective."""

    p50: TokenTime | None = None
    """Half of them come within this time."""
    p95: TokenTime | None = None
    """95 of 100 come within this time."""
    p99: TokenTime | None = None
    """99 of 100 come within this time."""


class Adapters(Frozen):
    """The adapters that are served beside their base, by the same servers."""

    models: tuple[ModelName, ...] = Field(min_length=1, max_length=1000)
    """The models whose specs say `adapter_of` this one. Requests choose one as `model`."""
    rank: Integer = Field(16, ge=1, le=512)
    """The largest rank of all of them."""
    at_once: Integer | None = Field(None, ge=1, le=1000)
    """How many of them one batch may mix; by default all."""


class SchemaOutput(Frozen):
    """Answers as JSON of a schema."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    json_schema: Mapping[str, Any] = Field(alias="schema")
    """The JSON Schema of an answer."""


def _how_structured(value: Any) -> str:
    return "word" if isinstance(value, str) else "schema"


#: What answers must look like.
StructuredOutput = Annotated[
    Annotated[Literal["from target", "none"], Tag("word")] | Annotated[SchemaOutput, Tag("schema")],
    Discriminator(_how_structured),
]


class Vllm(Frozen):
    """Options of vLLM; all others follow from the rest of the spec, or cannot be set."""

    gpu_memory_utilization: Number = Field(0.9, ge=0.1, le=0.98)
    """The share of the accelerator's memory that weights and cache may take."""
    tensor_parallel: Integer | None = Field(None, ge=1, le=64)
    """How many accelerators share each layer; by default all that a server has."""
    dtype: Literal["auto", "float16", "bfloat16", "float32"] | None = None
    """What vLLM computes with; by default what was trained and certified with (`training.precision`), but
    `bfloat16` where it has no kernels for `float32`: quantised weights, and adapters on an accelerator."""
    quantization: Literal["compressed-tensors", "awq", "gptq", "fp8", "torchao"] | None = None
    """How the weights are quantised, where their own configuration does not say it."""
    cache_dtype: Literal["auto", "fp8"] = "auto"
    """The precision of the cache."""
    prefix_caching: Flag = True
    """Whether what several prompts begin with is computed once."""
    eager: Flag = False
    """Whether no graphs are compiled: servers start sooner and answer more slowly."""
    api_key: ObjectName | None = None
    """The Secret of the namespace whose entry `api-key` callers must send as bearer token."""


class EndpointPicker(Frozen):
    """What chooses the server for each request by its queue and cache, as the Gateway API's inference
    extension knows it."""

    name: ObjectName
    """Its Service, in the namespace of the model."""
    port: Integer = Field(9002, ge=1, le=65_535)
    """The port that it answers gateways at."""
