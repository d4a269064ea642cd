"""What no text shows of language models, brought about: bases in folders, and adapters beside others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.checks import LANGUAGE
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.diagnostics import Finding
from aimass_compiler.project import Project
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import SHOWN, base

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]
CONFIG = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 64,
    "max_position_embeddings": 2048,
    "eos_token_id": 1,
}
WEIGHTS = "artifacts/support/package/model/weights"


def make_base(folder: Path, weights: str = "model.safetensors") -> None:
    """A folder with a configuration, and weights of one tensor in a file of this name."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    head = json.dumps({"a": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}}).encode()
    (folder / weights).write_bytes(len(head).to_bytes(8, "little") + head + bytes(256))


def spec(name: str, change: str, folder: str) -> str:
    """The sound spec of a language model under this name, on a base in a folder."""
    data = base(change, LANGUAGE)
    data["metadata"]["name"] = name
    written = data["model"]["language_model"]["base"].get("own", {})
    data["model"]["language_model"]["base"] = {"path": folder, **written}
    return json.dumps(data)


def found(root: Path, texts: dict[str, str]) -> list[Finding]:
    """What is found in a project of these specs."""
    (root / "specs").mkdir()
    for name, text in texts.items():
        assert parse(text.encode(), SHOWN)[1] == []
        (root / f"specs/{name}.yaml").write_text(text)
    project = Project(root)
    return list(compile_specs(project, project.specs(), upto=Upto.CHECK).findings)


def weights_in(file: str) -> Situation:
    """The weights of a base are in a file of this name."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        make_base(root / "models/base", file)
        return found(root, {"tickets": spec("tickets", "", "models/base")})

    return situation


def declared_layers(count: int) -> Situation:
    """A spec says that its base, of two layers, has so many."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        make_base(root / "models/base")
        own = f"{{layers: {count}, heads: 4, hidden: 64, parameters: 64}}"
        change = f"model: {{language_model: {{base: {{own: {{architecture: {own}}}}}}}}}"
        return found(root, {"tickets": spec("tickets", change, "models/base")})

    return situation


def adapter_of_rank(rank: int, folder: str = WEIGHTS) -> Situation:
    """A model serves adapters of rank 16, and another one is an adapter of this rank."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        for each in ("models/base", WEIGHTS):
            make_base(root / each)
        served = "serving: {engine: vllm, adapters: {models: [billing], rank: 16}}"
        own = (
            f"model: {{language_model: {{adapter: {{lora: {{rank: {rank}}}}}}}}}\n"
            "serving: {engine: vllm, adapter_of: support}"
        )
        texts = {
            "billing": spec("billing", own, folder),
            "support": spec("support", served, "models/base"),
        }
        return found(root, texts)

    return situation


SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM451": (weights_in("pytorch_model.bin"), weights_in("model.safetensors")),
    "AM452": (declared_layers(32), declared_layers(2)),
    "AM457": (adapter_of_rank(32), adapter_of_rank(16)),
}
