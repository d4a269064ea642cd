"""What vLLM is told: it computes with what was certified, and writes the likeliest tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.models.language_model import LanguageModel
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.language_defaults import generating
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving import vllm
from render.models import GPU, language_model

BASE = {"path": "models/base"}
CONVERSATION = Conversation.model_validate({"base": BASE, "columns": ["prompt"], "sequence_length": 512})


@pytest.mark.parametrize(
    ("precision", "options", "is_accelerated", "expected"),
    [
        (None, {}, False, "float32"),
        ("float32", {}, True, "float32"),
        ("bf16", {}, True, "bfloat16"),
        ("bf16", {"vllm": {"dtype": "float32"}}, True, "float32"),
        (None, {"vllm": {"dtype": "auto"}}, True, "auto"),
        # vLLM's kernels for these take 16 bits alone.
        (None, {"vllm": {"quantization": "fp8"}}, True, "bfloat16"),
        (None, {"adapters": {"models": ["tone"]}}, True, "bfloat16"),
        (None, {"adapters": {"models": ["tone"]}}, False, "float32"),
    ],
)
def test_vllm_computes_with_what_was_certified(
    precision: Any, options: dict[str, Any], is_accelerated: bool, expected: str
) -> None:
    written = Serving.model_validate({"engine": "vllm", **options})
    device = Accelerator.model_validate(GPU) if is_accelerated else None
    model = LanguageModel.model_validate({"base": BASE})
    served = generating(written, CONVERSATION, [model], device, precision)
    assert served.vllm is not None
    assert served.vllm.dtype == expected


def test_the_command_says_precision_and_temperature() -> None:
    command, _ = vllm.command(language_model({"engine": "vllm"}), "dev")
    assert after("--dtype", command) == "float32"
    assert json.loads(after("--override-generation-config", command)) == {"temperature": 0}
    assert after("--structured-outputs-config.disable_any_whitespace", command) == "true"


def after(flag: str, command: list[str]) -> str:
    return command[command.index(flag) + 1]
