"""The facts of a base, read from its folder without any library of models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.catalog.base_config import read_base

CONFIG: dict[str, Any] = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "vocab_size": 500,
    "max_position_embeddings": 512,
    "dtype": "bfloat16",
}


def folder(at: Path, config: object, **weights: dict[str, Any]) -> Path:
    (at / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    for name, head in weights.items():
        text = json.dumps(head).encode()
        (at / f"{name}.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    return at


def tensor(kind: str, *shape: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [0, 0]}


def test_weights_are_counted_by_their_heads(tmp_path: Path) -> None:
    first = {"__metadata__": {"format": "pt"}, "a": tensor("F32", 10, 20), "b": tensor("F32", 7)}
    base = read_base(folder(tmp_path, CONFIG, one=first, two={"c": tensor("BF16", 3)}))
    assert base is not None
    assert base.architecture is not None
    facts = base.architecture
    assert (facts.parameters, facts.precision, facts.context) == (210, "float32", 512)
    assert (facts.kv_width, facts.head_width, facts.weight_bytes) == (32, 16, 840)
    assert base.has_weights


def test_without_weights_they_are_estimated_from_the_widths(tmp_path: Path) -> None:
    base = read_base(folder(tmp_path, CONFIG))
    assert base is not None
    assert base.architecture is not None
    attention, feed_forward, ends = 2 * 64 * (64 + 32), 3 * 64 * 128, 2 * 64 * 500
    assert base.architecture.parameters == 2 * (attention + feed_forward) + ends
    assert base.architecture.precision == "bfloat16"
    assert not base.has_weights


def test_names_of_older_families_and_text_models_within_others_count(tmp_path: Path) -> None:
    old = {"n_layer": 3, "n_head": 2, "n_embd": 8, "n_positions": 64}
    for config in (old, {"text_config": old}):
        base = read_base(folder(tmp_path, config))
        assert base is not None
        assert base.architecture is not None
        assert (base.architecture.layers, base.architecture.context) == (3, 64)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("{", "its config.json cannot be read"),
        ("[1]", "its config.json is no mapping"),
        ({"hidden_size": 4}, "its config.json is of no language model: layers: Field required"),
        ({**CONFIG, "num_key_value_heads": 3}, "`kv_heads` must divide `heads`"),
    ],
)
def test_what_is_no_language_model_is_told(tmp_path: Path, config: object, problem: str) -> None:
    base = read_base(folder(tmp_path, config))
    assert base is not None
    assert base.architecture is None
    assert problem in base.problem


def test_a_weight_file_that_is_none_is_told(tmp_path: Path) -> None:
    (folder(tmp_path, CONFIG) / "model.safetensors").write_bytes(b"\xff" * 40)
    base = read_base(tmp_path)
    assert base is not None
    assert base.problem == "its weights cannot be read: model.safetensors is no safetensors file"


def test_what_a_loader_would_run_is_listed(tmp_path: Path) -> None:
    folder(tmp_path, {**CONFIG, "auto_map": {"AutoModel": "modeling.Own"}})
    for name in ("modeling.py", "pytorch_model.bin", "tokenizer.json"):
        (tmp_path / name).write_text("")
    base = read_base(tmp_path)
    assert base is not None
    assert base.runnable == ("config.json (auto_map)", "modeling.py", "pytorch_model.bin")


def test_a_folder_without_a_configuration_is_no_base(tmp_path: Path) -> None:
    assert read_base(tmp_path) is None
    assert read_base(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("file", "text", "has_end"),
    [
        ("generation_config.json", '{"eos_token_id": [0, 1]}', True),
        ("tokenizer_config.json", '{"eos_token": "<end>"}', True),
        ("generation_config.json", '{"eos_token_id": null}', False),
        ("generation_config.json", "{", False),
    ],
)
def test_a_base_says_which_token_ends_answers(tmp_path: Path, file: str, text: str, *, has_end: bool) -> None:
    (folder(tmp_path, CONFIG) / file).write_text(text)
    base = read_base(tmp_path)
    assert base is not None
    assert base.has_end is has_end
