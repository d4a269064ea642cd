"""A project with the shipped spec of tickets, and its base grown beyond a demonstration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MODEL = "tickets"
_ROOT = Path(__file__).parents[2]
#: Some fifteen million weights: what a small base has at least that people fine-tune.
_GROWN = {
    "hidden_size": 384,
    "intermediate_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 6,
    "head_dim": 64,
}


def write_project(folder: Path, *, is_larger: bool) -> None:
    """The spec, its rows and its base; where that is larger, with random weights and no gates to miss."""
    (folder / "specs").mkdir(parents=True)
    (folder / "aimass.yaml").touch()
    spec = (_ROOT / "specs" / f"{MODEL}.yaml").read_text(encoding="utf-8")
    prepare = [sys.executable, str(_ROOT / "data" / "prepare.py"), MODEL, "--folder", str(folder / "data")]
    subprocess.run(prepare, cwd=folder, check=True, capture_output=True)
    if is_larger:
        _grow(folder / "models" / "base")
        spec = re.sub(r"\n  gates:.*?(?=\n\S|\Z)", "", spec, flags=re.DOTALL)
    (folder / "specs" / f"{MODEL}.yaml").write_text(spec, encoding="utf-8")
    compiled = [str(Path(sys.executable).with_name("aimass")), "compile"]
    subprocess.run(compiled, cwd=folder, check=True, capture_output=True)


def stage(name: str) -> list[str]:
    """The command of a stage, as DVC runs it."""
    return [sys.executable, "-m", "aimass_compiler.runtime", name, MODEL]


def package(folder: Path) -> Path:
    """The package of a larger base after one epoch, in a project that is written here."""
    write_project(folder, is_larger=True)
    spec = folder / "specs" / f"{MODEL}.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 1"), encoding="utf-8")
    compiled = [str(Path(sys.executable).with_name("aimass")), "compile"]
    for command in (compiled, *map(stage, ("prepare", "features", "train", "evaluate", "package"))):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "artifacts" / MODEL / "package" / "model"


def _grow(base: Path) -> None:
    """Put a model of the same kind and tokenizer, and of random weights, in the place of the base."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(7)
    config = AutoConfig.from_pretrained(base)
    for name, value in _GROWN.items():
        setattr(config, name, value)
    for path in base.glob("*.safetensors"):
        path.unlink()
    AutoModelForCausalLM.from_config(config).save_pretrained(base)
