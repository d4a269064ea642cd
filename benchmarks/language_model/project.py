"""A project with the shipped spec of tickets, and its base grown beyond a demonstration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MODEL = "tickets"
_ROOT = Path(__file__).parents[2]
#: By how many million weights such a base has, its width and its layers.
LARGER = {15: (384, 8), 40: (512, 12)}
_HEAD = 64


def write_project(folder: Path, millions: int | None = None) -> None:
    """The spec, its rows and its base; of so many million weights, random ones and no gates to miss."""
    (folder / "specs").mkdir(parents=True)
    (folder / "aimass.yaml").touch()
    spec = (_ROOT / "specs" / f"{MODEL}.yaml").read_text(encoding="utf-8")
    prepare = [sys.executable, str(_ROOT / "data" / "prepare.py"), MODEL, "--folder", str(folder / "data")]
    subprocess.run(prepare, cwd=folder, check=True, capture_output=True)
    if millions:
        _grow(folder / "models" / "base", *LARGER[millions])
        spec = re.sub(r"\n  gates:.*?(?=\n\S|\Z)", "", spec, flags=re.DOTALL)
    (folder / "specs" / f"{MODEL}.yaml").write_text(spec, encoding="utf-8")
    compiled = [str(Path(sys.executable).with_name("aimass")), "compile"]
    subprocess.run(compiled, cwd=folder, check=True, capture_output=True)


def stage(name: str) -> list[str]:
    """The command of a stage, as DVC runs it."""
    return [sys.executable, "-m", "aimass_compiler.runtime", name, MODEL]


def package(folder: Path, millions: int) -> Path:
    """The package of a larger base after one epoch, in a project that is written here."""
    write_project(folder, millions)
    spec = folder / "specs" / f"{MODEL}.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 1"), encoding="utf-8")
    compiled = [str(Path(sys.executable).with_name("aimass")), "compile"]
    for command in (compiled, *map(stage, ("prepare", "features", "train", "evaluate", "package"))):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "artifacts" / MODEL / "package" / "model"


def _grow(base: Path, width: int, layers: int) -> None:
    """Put a model of the same kind and tokenizer, and of random weights, in the place of the base."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(7)
    config = AutoConfig.from_pretrained(base)
    config.hidden_size, config.intermediate_size, config.head_dim = width, width * 8 // 3, _HEAD
    config.num_hidden_layers, config.num_attention_heads = layers, width // _HEAD
    for path in base.glob("*.safetensors"):
        path.unlink()
    AutoModelForCausalLM.from_config(config).save_pretrained(base)
