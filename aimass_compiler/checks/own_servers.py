"""What only a model's own servers can do is not asked of others."""

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
        "is described in aimass.yaml, and one of them cannot open a further port on it, nor say where its "
        "traces go. vLLM has options for these. Leave the key out.",
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


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Keys that mean nothing to what serves, for all or in one environment."""
    seen: set[Path] = set()
    for name, environment in pipeline.environments.items():
        serving = environment.serving
        for key, other in (("grpc", _without_grpc(pipeline, serving)), ("tracing", _without_traces(serving))):
            place = place_in(pipeline, name, f"serving.{key}")
            if getattr(serving, key) and other and place not in seen:
                seen.add(place)
                message = f"`{key}` is not for {other}"
                yield Finding("AM560", place, message, help=f"leave `{key}` out", at_key=True)


def _without_grpc(pipeline: Pipeline, serving: Serving) -> str:
    """What serves this model without gRPC; nothing where it is its own servers of rows."""
    if pipeline.first_model.artifact.engines:
        return "servers of language models"
    return _sharing(serving)


def _without_traces(serving: Serving) -> str:
    """What serves this model and exports no spans as a spec says it."""
    return "vLLM" if serving.vllm is not None else _sharing(serving)


def _sharing(serving: Serving) -> str:
    return "" if serving.shared is None else f"a model that shares `{serving.shared}`"
