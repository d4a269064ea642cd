"""What only a model's own servers can do is not asked of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import place_in, written

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
        "traces go. vLLM has options for these. `workers` are processes that each load the model: in a "
        "shared server all models, as further replicas do; and of a language model the weights, which one "
        "engine holds once and computes with on all cores. Leave the key out.",
    ),
    Explanation(
        "AM561",
        "the workers do not fit into what a server has",
        "Each worker is a separate process that loads the model: about 80 MiB before the model, and at most "
        "one core. With less memory the node ends the server; with less CPU, workers only take turns. Raise "
        "`serving.resources`, or lower `serving.workers`.",
    ),
)
EXAMPLES = (
    Example(
        "AM560",
        fails="`serving: {shared: small, grpc: true}`",
        passes="`serving: {grpc: true}`",
        of="situation",
    ),
    Example(
        "AM561",
        fails="serving: {workers: 8, resources: {cpu: 8, memory: 512Mi}}",
        passes="serving: {workers: 8, resources: {cpu: 8, memory: 1Gi}}",
    ),
)
#: What a worker takes before its model does.
_WORKER_BYTES = 80 * 2**20


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Workers without room, and traces of vLLM; what else ways of serving lack, they say themselves."""
    for path, serving in written(pipeline, "serving"):
        yield from _too_many(path, serving)
    seen: set[Path] = set()
    for name, environment in pipeline.environments.items():
        place = place_in(pipeline, name, "serving.tracing")
        is_of_vllm = environment.serving.tracing is not None and environment.serving.vllm is not None
        if is_of_vllm and place not in seen:
            seen.add(place)
            message = "`tracing` is not for vLLM"
            yield Finding("AM560", place, message, help="leave `tracing` out", at_key=True)


def _too_many(path: Path, serving: Serving) -> Iterator[Finding]:
    count, resources = serving.workers or 1, serving.resources
    need = count * _WORKER_BYTES
    where = (*path, "workers")
    if count > 1 and need > resources.memory.size:
        message = f"{count} workers take {need >> 20}Mi or more, and the server has {resources.memory}"
        hint = "raise `resources.memory`, or lower `workers`"
        yield Finding("AM561", where, message, help=hint, severity=Severity.WARNING)
    if count > 1 and count > 2 * resources.cpu.amount:
        message = f"{count} workers take turns on {resources.cpu} cores that are promised to the server"
        hint = f"write `resources: {{cpu: {count}}}`, or lower `workers`"
        yield Finding("AM561", where, message, help=hint, severity=Severity.WARNING)
