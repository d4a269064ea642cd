"""The memory that checks count is what PyTorch keeps, and what an engine needs."""

from __future__ import annotations

import pytest

from aimass_compiler.catalog.architecture import Architecture
from aimass_compiler.catalog.language_memory import (
    Learning,
    ServingLoad,
    activation_bytes,
    concurrent_within,
    context_within,
    serving_memory,
    training_memory,
)

#: Llama 3.1 8B, as its config.json has it.
LARGE = Architecture(
    parameters=8_030_261_248,
    layers=32,
    heads=32,
    kv_heads=8,
    hidden=4096,
    intermediate=14336,
    vocabulary=128_256,
)
SMALL = Architecture(
    parameters=1, layers=2, heads=4, kv_heads=2, hidden=128, intermediate=256, vocabulary=500
)
GIB = 2**30


def kept(base: Architecture, rank: int | None, rows: int, tokens: int) -> int:
    """The bytes that PyTorch saves for the backward pass of such a model, but for its weights."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=base.hidden,
            intermediate_size=base.inner_width,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            num_key_value_heads=base.kv_heads,
            vocab_size=base.vocabulary,
        )
    )
    if rank is not None:
        own = LoraConfig(r=rank, target_modules="all-linear", lora_dropout=0.05)
        model = get_peft_model(model, own)
    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
    found: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(0, 500, (rows, tokens))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model.train()(input_ids=ids, labels=ids).loss
    assert loss.requires_grad
    return sum(found.values())


@pytest.mark.parametrize("rank", [None, 8])
def test_activations_are_those_that_pytorch_keeps(rank: int | None) -> None:
    how = Learning(rank=rank, weight_bytes=4, number_bytes=4, states=2, rows=2, tokens=128)
    counted = 2 * 128 * activation_bytes(SMALL, how)
    assert 0.9 * kept(SMALL, rank, 2, 128) < counted < 1.1 * kept(SMALL, rank, 2, 128)


def test_all_weights_that_learn_take_sixteen_bytes_each() -> None:
    how = Learning(rank=None, weight_bytes=4, number_bytes=2, states=2, rows=1, tokens=1)
    assert training_memory(LARGE, how).without("activations") == 16 * LARGE.parameters


def test_an_adapter_of_all_linear_layers_has_as_many_weights_as_peft_makes() -> None:
    assert LARGE.adapter_parameters(16) == 41_943_040  # as `print_trainable_parameters` says of this base


def test_a_cache_is_keys_and_values_of_whole_blocks() -> None:
    how = ServingLoad(weight_bytes=2, cache_bytes=2, context=4095, concurrent=8)
    parts = {part.name: part.size for part in serving_memory(LARGE, how).parts}
    assert parts == {"weights": 2 * LARGE.parameters, "cache": 2 * 32 * 8 * 128 * 2 * 4096 * 8}


def test_accelerators_share_weights_cache_and_adapters() -> None:
    one = ServingLoad(weight_bytes=2, cache_bytes=2, context=4096, concurrent=8, ranks=(16, 16))
    two = ServingLoad(weight_bytes=2, cache_bytes=2, context=4096, concurrent=8, ranks=(16, 16), shards=2)
    assert serving_memory(LARGE, two).size == pytest.approx(serving_memory(LARGE, one).size / 2)


def test_what_fits_is_what_is_left_beside_the_weights() -> None:
    how = ServingLoad(weight_bytes=2, cache_bytes=2, context=4096, concurrent=32)
    room = 2 * LARGE.parameters + 5 * GIB
    assert concurrent_within(LARGE, how, room) == 10
    assert context_within(LARGE, how, room) == 1280
    assert concurrent_within(LARGE, how, GIB) == 0
