"""How much memory a language model takes, while it is trained and while it serves: what is certain, in parts.

Nothing that a library may or may not do is counted, so that what does not fit by these numbers cannot fit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.architecture import Architecture

#: What PyTorch and its libraries take of an accelerator's memory before a model is there.
ACCELERATOR_RUNTIME = 512 * 2**20
#: What a process takes that has imported PyTorch and transformers, or ONNX Runtime's generation loop.
TRAINING_PROCESS = 600 * 2**20
SERVING_PROCESS = 128 * 2**20
#: What vLLM's processes take on a CPU before weights and cache.
VLLM_PROCESS = 1536 * 2**20
#: vLLM's cache has blocks of so many tokens.
BLOCK = 16


class MemoryPart(Struct, frozen=True):
    """Some of the memory, and what it is for."""

    name: str
    size: int


class Memory(Struct, frozen=True):
    """What a process takes, part by part."""

    parts: tuple[MemoryPart, ...]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def without(self, name: str) -> int:
        """All but one part."""
        return sum(part.size for part in self.parts if part.name != name)


class Learning(Struct, frozen=True):
    """What of training decides about memory."""

    rank: int | None
    """Of the adapter that learns; None where all weights do."""
    weight_bytes: float
    """Of each weight of the base, as it is kept while training."""
    number_bytes: int
    """Of each number that is computed."""
    states: int
    """How many numbers the optimizer keeps for each one that learns."""
    rows: int
    """How many rows one worker computes at once."""
    tokens: int
    """Of each of them."""


def training_memory(base: Architecture, how: Learning) -> Memory:
    """What one worker takes at the end of a forward pass, where most is kept.

    Gradients and states are of float32, as is all that learns.
    """
    learning = base.parameters if how.rank is None else base.adapter_parameters(how.rank)
    kept = 0 if how.rank is None else 4 * learning
    return Memory(
        (
            MemoryPart("weights", int(base.parameters * how.weight_bytes)),
            *((MemoryPart("adapter", kept),) if kept else ()),
            MemoryPart("gradients", 4 * learning),
            MemoryPart("optimizer", 4 * how.states * learning),
            MemoryPart("activations", how.rows * how.tokens * activation_bytes(base, how)),
        )
    )


def activation_bytes(base: Architecture, how: Learning) -> int:
    """What the backward pass needs of the forward pass for one token, without recomputing any of it.

    Counted from what PyTorch saves for Llama's blocks with fused attention: the inputs of norms, of linear
    layers and of the activation, keys, queries and values. The loss keeps its logits twice in float32.
    Matrices of an adapter read copies of their inputs, through a dropout of their own.
    """
    block = 6 * base.hidden + 2 * base.query_width + 2 * base.kv_width + 4 * base.inner_width
    if how.rank is not None:
        block += 5 * base.hidden + base.query_width + base.inner_width + 7 * how.rank
    return base.layers * block * how.number_bytes + 2 * 4 * (base.vocabulary or 0)


class ServingLoad(Struct, frozen=True):
    """What of serving decides about memory."""

    weight_bytes: float
    """Of each weight."""
    cache_bytes: int
    """Of each number of the cache."""
    context: int
    concurrent: int
    ranks: Sequence[int] = ()
    """Of each adapter that has a place, as large as the largest that may be there."""
    adapter_bytes: int = 2
    shards: int = 1
    """How many accelerators share all of it."""


def serving_memory(base: Architecture, how: ServingLoad) -> Memory:
    """What one accelerator, or one process on a CPU, takes with the whole context of all requests at once."""
    cache = base.cache_bytes(_whole_blocks(how.context), how.cache_bytes) * how.concurrent
    adapters = sum(base.adapter_parameters(rank) for rank in how.ranks) * how.adapter_bytes
    parts = (
        MemoryPart("weights", math.ceil(base.parameters * how.weight_bytes / how.shards)),
        MemoryPart("cache", math.ceil(cache / how.shards)),
        *((MemoryPart("adapters", math.ceil(adapters / how.shards)),) if adapters else ()),
    )
    return Memory(parts)


def concurrent_within(base: Architecture, how: ServingLoad, room: int) -> int:
    """How many requests of a whole context fit beside the rest; 0 where not even one does."""
    each = base.cache_bytes(_whole_blocks(how.context), how.cache_bytes) / how.shards
    free = room - serving_memory(base, how).without("cache")
    return max(0, int(free // each))


def context_within(base: Architecture, how: ServingLoad, room: int) -> int:
    """The longest context, in whole blocks, that fits with as many requests at once; 0 where none does."""
    token = base.cache_bytes(1, how.cache_bytes) * how.concurrent / how.shards
    free = room - serving_memory(base, how).without("cache")
    return max(0, int(free // (token * BLOCK)) * BLOCK)


def _whole_blocks(tokens: int) -> int:
    return math.ceil(tokens / BLOCK) * BLOCK
