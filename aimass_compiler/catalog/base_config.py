"""The facts of a base in a folder: its config.json and the heads of its weight files, read by no library."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from aimass_compiler.catalog.architecture import Architecture

_CONFIG = "config.json"
_ENDS = (
    ("generation_config.json", "eos_token_id"),
    (_CONFIG, "eos_token_id"),
    ("tokenizer_config.json", "eos_token"),
)
#: The head of a weight file lists its tensors, a hundred bytes each; the largest bases have thousands.
_LARGEST_HEAD = 100 * 2**20
#: The names of safetensors' types; integers are of quantised weights.
_PRECISION = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
#: What each fact is called by the families of transformers, the usual name first.
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads",),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "head_size": ("head_dim",),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim"),
    "vocabulary": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "max_seq_len"),
}
#: What is code to a loader: pickles run what they hold, and modules are run where remote code is trusted.
RUNNABLE = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".py")


class BaseFacts(Struct, frozen=True):
    """What is known of a base from its folder."""

    architecture: Architecture | None
    """None where config.json is of no causal language model that is known here."""
    problem: str = ""
    """Why there is none, in words."""
    runnable: tuple[str, ...] = ()
    """Files that a loader could run, and what config.json wants loaded from them."""
    has_weights: bool = False
    """Whether there are weights as safetensors."""
    has_end: bool = True
    """Whether something names the token that ends answers."""


def read_base(folder: Path) -> BaseFacts | None:
    """What a folder says of its base; None where there is no config.json.

    Source: https://huggingface.co/docs/safetensors/index#format
    """
    try:
        config = json.loads((folder / _CONFIG).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        return BaseFacts(None, f"its {_CONFIG} cannot be read: {error}")
    if not isinstance(config, dict):
        return BaseFacts(None, f"its {_CONFIG} is no mapping")
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    runnable = tuple(sorted(path.name for path in folder.iterdir() if path.suffix in RUNNABLE))
    if config.get("auto_map"):
        runnable = (f"{_CONFIG} (auto_map)", *runnable)
    files = sorted(folder.glob("*.safetensors"))
    known = BaseFacts(None, "", runnable, bool(files), _has_end(folder))
    try:
        tensors = [each for file in files for each in _tensors(file)]
        return replace(known, architecture=_architecture(text or {}, tensors))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return replace(known, problem=_told(error))


def _has_end(folder: Path) -> bool:
    """Whether one of the files that engines look into names the token."""
    for name, key in _ENDS:
        try:
            document = json.loads((folder / name).read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and document.get(key) not in (None, [], ""):
            return True
    return False


def _told(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"its {_CONFIG} is of no language model: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"its weights cannot be read: {error}"


def _tensors(file: Path) -> Iterator[tuple[str, int]]:
    """The type of each tensor and how many numbers it has."""
    with file.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        if not 0 < size <= _LARGEST_HEAD:
            raise ValueError(f"{file.name} is no safetensors file")
        head = json.loads(stream.read(size))
    for name, tensor in head.items():
        if name != "__metadata__":
            yield tensor["dtype"], math.prod(tensor["shape"])


def _architecture(config: Mapping[str, Any], tensors: list[tuple[str, int]]) -> Architecture:
    facts = {
        fact: next((config[name] for name in names if config.get(name) is not None), None)
        for fact, names in _NAMES.items()
    }
    counts: dict[str, int] = {}
    for kind, count in tensors:
        counts[kind] = counts.get(kind, 0) + count
    written = config.get("dtype") or config.get("torch_dtype") or "float32"
    most = _PRECISION.get(max(counts, key=counts.__getitem__), written) if counts else written
    known = {name: value for name, value in facts.items() if value is not None}
    parameters = sum(counts.values()) or _counted(known)
    return Architecture.model_validate({"parameters": parameters, "precision": most} | known)


def _counted(facts: Mapping[str, int]) -> int:
    """About how many parameters these numbers make, where no weights are there to count."""
    layers, hidden = facts.get("layers", 0), facts.get("hidden", 0)
    plain = Architecture.model_validate({**facts, "parameters": 1})
    attention = 2 * hidden * (plain.query_width + plain.kv_width)
    return layers * (attention + 3 * hidden * plain.inner_width) + 2 * hidden * (plain.vocabulary or 0)
