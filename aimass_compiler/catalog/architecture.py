"""What a language model is made of, as far as memory, speed and cost follow from it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen, Integer, is_absent

#: Bytes of one number, by what specs, configurations and vLLM call its precision; of formats that keep it in
#: several ways, as few as there may be.
BYTES: dict[str, float] = {
    "float32": 4, "float16": 2, "bfloat16": 2, "bf16": 2,
    "int8": 1, "int4": 0.5, "w8a8": 1, "fp8": 1,
    "nf4": 0.5 + 4 / 64,  # with a scale of 32 bits for each 64 (QLoRA, without its double quantization)
    "compressed-tensors": 0.5, "awq": 0.5, "gptq": 0.5, "torchao": 0.5,
}  # fmt: skip
_LARGEST = 10**13


class Architecture(Frozen):
    """A base's numbers, as its config.json has them."""

    parameters: Integer = Field(ge=1, le=_LARGEST)
    """How many weights it has, embeddings included."""
    layers: Integer = Field(ge=1, le=10_000)
    """Its `num_hidden_layers`."""
    heads: Integer = Field(ge=1, le=10_000)
    """Its `num_attention_heads`."""
    kv_heads: Integer | None = Field(None, ge=1, le=10_000, exclude_if=is_absent)
    """Its `num_key_value_heads`; by default as many as `heads`."""
    hidden: Integer = Field(ge=1, le=1_000_000)
    """Its `hidden_size`."""
    head_size: Integer | None = Field(None, ge=1, le=100_000, exclude_if=is_absent)
    """Its `head_dim`; by default `hidden` divided by `heads`."""
    intermediate: Integer | None = Field(None, ge=1, le=10_000_000, exclude_if=is_absent)
    """Its `intermediate_size`; by default four times `hidden`."""
    vocabulary: Integer | None = Field(None, ge=1, le=10_000_000, exclude_if=is_absent)
    """Its `vocab_size`."""
    context: Integer | None = Field(None, ge=1, le=100_000_000, exclude_if=is_absent)
    """Its `max_position_embeddings`: the longest sequence that it was made for."""
    precision: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    """The type of its weights."""

    @model_validator(mode="after")
    def _shares_its_heads(self) -> Architecture:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise PydanticCustomError("kv_heads", "`kv_heads` must divide `heads`: several share each one")
        return self

    @property
    def kv_width(self) -> int:
        """The numbers that a token's keys have in one layer; its values have as many."""
        return (self.kv_heads or self.heads) * self.head_width

    @property
    def head_width(self) -> int:
        return self.head_size or self.hidden // self.heads

    @property
    def query_width(self) -> int:
        return self.heads * self.head_width

    @property
    def inner_width(self) -> int:
        """The width between the two halves of a feed-forward block."""
        return self.intermediate or 4 * self.hidden

    @property
    def weight_bytes(self) -> int:
        """What its weights take as they are kept."""
        return int(self.parameters * BYTES[self.precision])

    def cache_bytes(self, tokens: int, width: float = 2) -> int:
        """What keys and values of so many tokens take, at `width` bytes a number."""
        return int(2 * self.layers * self.kv_width * tokens * width)

    def adapter_parameters(self, rank: int) -> int:
        """What an adapter of all linear layers but the last has: from input to output by way of `rank`."""
        attention = 2 * (self.hidden + self.query_width) + 2 * (self.hidden + self.kv_width)
        feed_forward = 3 * (self.hidden + self.inner_width)
        return self.layers * rank * (attention + feed_forward)
