"""Weights of a language model as folders: an adapter merged into its base, and the graph of an engine."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aimass_compiler.catalog.artifacts._causal_model import loaded_weights, stop_ids_of, with_adapter
from aimass_compiler.catalog.base_config import RUNNABLE
from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
from aimass_compiler.catalog.quantization_scheme import SCHEMES

#: In the front matter of a model card: https://huggingface.co/docs/hub/model-cards
_LICENCE = re.compile(r"\A---\n.*?^license: *(?P<licence>[^\n]+)$.*?^---$", re.MULTILINE | re.DOTALL)
#: What onnxruntime-genai's builder calls weights as they are.
_WHOLE = "fp32"


def code_in(folder: Path) -> list[str]:
    """The files that would run code when they are read, and configurations that name such, by their paths."""
    found = [path for path in folder.rglob("*") if path.suffix in RUNNABLE]
    found += [path for path in folder.rglob("*config.json") if _names_code(path)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _names_code(path: Path) -> bool:
    document = json.loads(path.read_text(encoding="utf-8"))
    return isinstance(document, dict) and "auto_map" in document


def licence_of(base: Path) -> str | None:
    """What a base is licensed under: `license` of its model card, or the first line of its LICENSE."""
    card = base / "README.md"
    if card.is_file():
        found = _LICENCE.search(card.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found["licence"].strip()
    for path in sorted(base.glob("LICENSE*")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in lines if line.strip()), None)
    return None


def write_merged(base: Path, adapter: Path | None, tokens: Path, folder: Path) -> None:
    """Weights as safetensors in the base's own precision, with tokenizer, chat template and end ids.

    `adapter` is None where `base` has the trained weights themselves. It is merged in float32 (peft's
    `merge_and_unload`): merged in bfloat16, the sum of a large weight and a small change loses the change.
    """
    import torch

    model, tokenizing = loaded_weights(base), Tokenizing.of(tokens)
    kept = getattr(torch, precision_of(base))
    ends = stop_ids_of(model.generation_config, tokenizing)
    if adapter is not None:
        model = with_adapter(model, adapter).merge_and_unload()
    model.generation_config = _plain_generation(tokenizing.tokenizer, ends)
    model.to(kept).save_pretrained(str(folder))
    tokenizing.tokenizer.save_pretrained(str(folder))


def copy_adapter(learned: Path, folder: Path, base: Mapping[str, Any]) -> None:
    """An adapter as peft has it, naming its base as the spec does and not by this machine's path."""
    folder.mkdir()
    for path in sorted(learned.glob("*.safetensors")):
        shutil.copyfile(path, folder / path.name)
    config = json.loads((learned / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = next(iter(base.values()))
    written = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "adapter_config.json").write_text(written, encoding="utf-8")


def precision_of(base: Path) -> str:
    """The type of numbers in which the base keeps its weights."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    return str(config.get("dtype") or config.get("torch_dtype") or "float32")


def _plain_generation(tokenizer: Any, ends: tuple[int, ...]) -> Any:
    """What ends an answer, and nothing that changes answers: vLLM applies what stands there."""
    from transformers import GenerationConfig

    return GenerationConfig(
        eos_token_id=list(ends) if len(ends) > 1 else ends[0],
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=ends[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
    )


def write_graph(weights: Path, scheme: str | None, folder: Path) -> None:
    """The folder that onnxruntime-genai serves, built from merged weights, quantised by a scheme.

    Raises RuntimeError with the builder's own words where it cannot: it knows the common architectures only.
    """
    import logging

    from onnxruntime_genai.models import builder

    logging.getLogger("onnxruntime.quantization").setLevel(logging.WARNING)  # a line for each weight
    precision, said = _WHOLE if scheme is None else SCHEMES[scheme].made_as, io.StringIO()
    with (
        TemporaryDirectory(prefix="aimass-builder-") as cache,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        try:
            options = builder.parse_extra_options("", str(weights), str(folder), precision, "cpu", cache, [])
            builder.create_model("", str(weights), str(folder), precision, "cpu", cache, **options)
        except Exception as error:  # the builder raises whatever it met
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError(f"onnxruntime-genai cannot build this model: {error}") from error
    _without_mark(folder / "model.onnx")


def _without_mark(graph: Path) -> None:
    """Take from a graph what tells one build of it from another: of the same weights, the same bytes."""
    import onnx

    model = onnx.load(graph, load_external_data=False)
    model.producer_version = model.producer_version.partition("+")[0]
    graph.write_bytes(model.SerializeToString(deterministic=True))
