"""What only a model's own servers of rows can do is not asked of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.serving import Serving

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM560",
        "these servers have no such way of serving",
        "`serving.grpc` is the Open Inference Protocol over gRPC, which has tensors and no conversations: "
        "servers of language models answer OpenAI's API over HTTP alone. A server that several models share "
        "is described in aimass.yaml, and one of them cannot open a further port on it. Leave the key out.",
    ),
)
EXAMPLES = (
    Example(
        "AM560",
        fails="`serving: {shared: small, grpc: true}`",
        passes="`serving: {grpc: true}`",
        of="situation",
    ),
)
_KEYS = ("grpc",)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys that mean nothing to what serves, for all or in one environment."""
    seen: set[Path] = set()
    for name, environment in pipeline.environments.items():
        for key in _KEYS:
            place = place_in(pipeline, name, f"serving.{key}")
            if not getattr(environment.serving, key) or place in seen:
                continue
            if other := _other_server(pipeline, environment.serving):
                seen.add(place)
                message = f"`{key}` is not for {other}"
                yield Finding("AM560", place, message, help=f"leave `{key}` out", at_key=True)


def _other_server(pipeline: Pipeline, serving: Serving) -> str:
    """What serves this model instead of servers of rows that are its own; nothing where they do."""
    if pipeline.first_model.artifact.engines:
        return "servers of language models"
    return f"a model that shares `{serving.shared}`" if serving.shared is not None else ""
