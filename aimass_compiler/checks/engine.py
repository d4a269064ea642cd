"""What only a language model's serving has stands in the spec of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.pipeline.override_locations import is_written, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM430",
        "only language models are served so",
        "An engine, a context and times of tokens are of models that write text, token by token. All others "
        "are answered by one pass through `model.onnx`, whose time `objectives.latency` promises and whose "
        "room `limits` says.",
    ),
)
EXAMPLES = (
    Example(
        "AM430",
        fails="serving: {engine: vllm}",
        passes="serving: {limits: {concurrency: 32}}",
    ),
)
_KEYS = (
    "engine",
    "target",
    "context",
    "concurrent",
    "structured_output",
    "adapter_of",
    "adapters",
    "nodes",
    "vllm",
    "objectives.first_token",
    "objectives.token",
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys of a language model's serving in the spec of another model."""
    if pipeline.first_model.artifact.engines:
        return
    for key in _KEYS:
        for path, value in written(pipeline, f"serving.{key}"):
            if value is not None and is_written(pipeline, path):
                message = f"`{path[-1]}` is of language models, and this is none"
                yield Finding("AM430", path, message, help="leave it out", at_key=True)
