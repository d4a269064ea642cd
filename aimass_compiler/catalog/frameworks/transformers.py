"""Hugging Face's transformers and peft: language models, and what is learned beside them."""

from __future__ import annotations

from aimass_compiler.catalog.frameworks import Framework

TRANSFORMERS = Framework(
    module="transformers",
    extra="llm",
    uses_gpus=True,
    trainer="ray.train.torch:TorchTrainer",
)
