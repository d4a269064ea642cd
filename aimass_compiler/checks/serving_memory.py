"""A language model and the cache of its answers fit where it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.catalog.architecture import BYTES
from aimass_compiler.catalog.language_engine import ONNX, VLLM
from aimass_compiler.catalog.language_memory import (
    ACCELERATOR_RUNTIME,
    SERVING_PROCESS,
    VLLM_PROCESS,
    ServingLoad,
    concurrent_within,
    context_within,
    serving_memory,
)
from aimass_compiler.catalog.quantities import shown_bytes
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path, Severity
from aimass_compiler.pipeline.override_locations import is_written, place_in
from aimass_compiler.pipeline.text_engine import Vllm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.architecture import Architecture
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings", "model", "data", "target", "quantize", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM443",
        "a language model does not fit where it serves",
        "Weights, adapters and the cache of at least one request with all its `context` must fit into the "
        "share of the accelerator's memory that vLLM may take, or into `serving.resources.memory` on a CPU: "
        "otherwise the engine stops while it starts, or is killed for want of memory. A token's keys and "
        "values take 2 · layers · kv_heads · head_size numbers. What helps: a shorter "
        "`context`, weights of fewer bits, or more memory (a larger accelerator, or a larger "
        "`count` of them, which share weights and cache).",
    ),
    Explanation(
        "AM449",
        "fewer answers at once than promised",
        "With `concurrent` requests that use all of their `context`, the cache is full before all are "
        "answered: vLLM then sends some back into the queue and computes them again, which callers see as "
        "pauses. Lower `concurrent` or `context`, let the cache have 8 bits (`vllm: {cache_dtype: fp8}`), or "
        "give it more memory. Where requests are mostly shorter, accept it in `waivers`.",
    ),
)
_SMALL = "environments: {dev: {}, prod: {accelerator: {name: nvidia-l4, memory: 24Gi}}}"
_NARROW = """
training: {{precision: bf16}}
serving: {{engine: vllm, context: {context}, concurrent: {concurrent}, resources: {{memory: 64Gi}}}}"""
EXAMPLES = (
    Example(
        "AM443",
        fails="serving: {engine: onnx, resources: {memory: 16Gi}, context: 4096, concurrent: 1}",
        passes="serving: {engine: onnx, resources: {memory: 64Gi}, context: 4096, concurrent: 1}",
        of="language",
    ),
    Example(
        "AM443",
        fails=_NARROW.format(context=100_000, concurrent=1),
        passes=_NARROW.format(context=4096, concurrent=1),
        of="language",
        settings=_SMALL,
    ),
    Example(
        "AM449",
        fails=_NARROW.format(context=4096, concurrent=32),
        passes=_NARROW.format(context=4096, concurrent=8),
        of="language",
        settings=_SMALL,
    ),
)


_MEMORY = "`serving.resources.memory`"


class MemoryRoom(Struct, frozen=True):
    """Where a server runs, and what a model may take there."""

    noun: str
    """What has the memory, in words."""
    bytes: int
    how: ServingLoad
    shares_cache: bool
    """Whether requests share one cache, so that fewer of them go on where it is full."""
    memory: tuple[str, ...] = ()
    """What of the spec says its memory; nothing where that is in aimass.yaml."""


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Environments whose servers cannot hold the model, or not all of its requests; each problem once."""
    conversation, told = pipeline.task.conversation, set()
    base = None if conversation is None else conversation.base.architecture
    for name, environment in pipeline.environments.items() if base else ():
        serving = environment.serving
        if base is None or serving.engine is None or not serving.context or not serving.concurrent:
            continue
        place = _ROOMS[serving.engine](pipeline, name)
        found = _finding(pipeline, name, base, place)
        if found is not None and (key := (found.code, found.path, place.noun, place.bytes)) not in told:
            told.add(key)
            yield found


def _on_processor(pipeline: Pipeline, name: str) -> MemoryRoom:
    """ONNX Runtime's generation loop: each request has a cache of its own, of its whole context."""
    here = pipeline.environments[name].serving
    how = ServingLoad(
        weight_bytes=pipeline.quantize.weight_bytes if pipeline.quantize else BYTES["float32"],
        cache_bytes=4,
        context=here.context or 0,
        concurrent=here.concurrent or 1,
    )
    room = here.resources.memory.size - SERVING_PROCESS
    return MemoryRoom(
        f"{_MEMORY} leaves", room, how, shares_cache=False, memory=("serving.resources.memory",)
    )


def _in_vllm(pipeline: Pipeline, name: str) -> MemoryRoom:
    """vLLM: one cache for all requests, in what its share of the memory leaves beside the weights."""
    here, device = pipeline.environments[name].serving, pipeline.environments[name].accelerator
    options = here.vllm or Vllm.default()
    width = int(BYTES.get(options.dtype or "", _HALF))
    shards = 1 if device is None else (options.tensor_parallel or device.count) * (here.nodes or 1)
    slots = here.adapters.at_once or len(here.adapters.models) if here.adapters else 0
    how = ServingLoad(
        weight_bytes=_width(pipeline, options.quantization, width),
        cache_bytes=width if options.cache_dtype == "auto" else 1,
        context=here.context or 0,
        concurrent=here.concurrent or 1,
        ranks=(here.adapters.rank,) * slots if here.adapters else (),
        adapter_bytes=width,
        shards=shards,
    )
    if device is None:
        room = here.resources.memory.size - VLLM_PROCESS
        return MemoryRoom(
            f"{_MEMORY} leaves", room, how, shares_cache=True, memory=("serving.resources.memory",)
        )
    room = int(device.memory.size * options.gpu_memory_utilization) - ACCELERATOR_RUNTIME
    noun = f"vLLM may take of `{device.name}`"
    return MemoryRoom(noun, room, how, shares_cache=True)


#: With `dtype: auto`, vLLM casts weights of 32 bits to 16, too.
_HALF = 2
#: By what runs the model.
_ROOMS = {ONNX.name: _on_processor, VLLM.name: _in_vllm}


def _width(pipeline: Pipeline, quantization: str | None, computed: float) -> float:
    """Bytes of a weight that vLLM reads, or makes, in fewer bits."""
    if pipeline.quantize is not None and pipeline.quantize.is_served_by(VLLM.name):
        return pipeline.quantize.weight_bytes
    return computed if quantization is None else BYTES[quantization]


def _finding(pipeline: Pipeline, name: str, base: Architecture, place: MemoryRoom) -> Finding | None:
    needed, serving = serving_memory(base, place.how), pipeline.environments[name].serving
    if needed.size <= place.bytes:
        return None
    fitting = concurrent_within(base, place.how, place.bytes)
    parts = ", ".join(f"{part.name} {shown_bytes(part.size)}" for part in needed.parts)
    ways = "; or ".join(_hints(base, place, fitting))
    if place.shares_cache and fitting:
        message = (
            f"in {name}, {serving.concurrent} answers at once of {serving.context:,} tokens each take "
            f"{shown_bytes(needed.size)}, but {place.noun} {shown_bytes(place.bytes)}, enough for {fitting}: "
            f"{parts}"
        )
        path = _written(pipeline, name, "serving.concurrent", "serving.context")
        return Finding("AM449", path, message, help=ways, severity=Severity.WARNING)
    message = (
        f"in {name}, the model takes {shown_bytes(needed.size)}, but {place.noun} "
        f"{shown_bytes(max(0, place.bytes))}: {parts}"
    )
    path = _written(pipeline, name, *place.memory, "serving.context", "serving.concurrent")
    return Finding("AM443", path, message, help=ways)


def _hints(base: Architecture, place: MemoryRoom, fitting: int) -> Iterator[str]:
    """Fewer tokens, fewer bytes a weight, more memory; each with what comes of it."""
    context = context_within(base, place.how, place.bytes)
    fewer = [f"`concurrent: {fitting}`"] if fitting else []
    fewer += [f"`context: {context}`"] if context else []
    if fewer:
        yield " or ".join(fewer)
    if place.how.weight_bytes > _HALF and place.shares_cache:
        narrow = replace(place.how, weight_bytes=_HALF, cache_bytes=min(_HALF, place.how.cache_bytes))
        eased = serving_memory(base, narrow).size
        way = "train, certify and serve in 16 bits (`training: {precision: bf16}`)"
        yield f"{way}, which takes {shown_bytes(eased)}"
    if place.how.weight_bytes > 1:
        eased = serving_memory(base, replace(place.how, weight_bytes=1.0)).size
        scheme = "w8a8" if place.shares_cache else "int8"
        yield f"weights of 8 bits (`quantize: {{scheme: {scheme}}}`), which takes {shown_bytes(eased)}"
    more = f"{shown_bytes(serving_memory(base, place.how).size)} of memory"
    yield more if place.memory else f"{more} for each accelerator, or more of them (`count`)"


def _written(pipeline: Pipeline, name: str, *parts: str) -> Path:
    """The first of these parts that the spec has, or the model."""
    paths = (place_in(pipeline, name, part) for part in parts)
    return next((path for path in paths if is_written(pipeline, path)), ("model",))
