"""A model that shares a server is one that can, and the server is one that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Explanation, Finding, Severity, did_you_mean
from aimass_compiler.pipeline.override_locations import is_written, place_in
from aimass_compiler.pipeline.shared_server import QUICKEST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.serving import Serving

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM480",
        "this model cannot share a server",
        "`serving: {shared: NAME}` has a server answer for several small models, each one pass through its "
        "`model.onnx` on a CPU. A language model needs its own process. A canary needs its own servers, some "
        "with the new version: a shared server takes a new version once its golden rows "
        "are answered as evaluated, and keeps the old one otherwise. Leave `shared` out where a model needs "
        "these.",
    ),
    Explanation(
        "AM481",
        "there is no such shared server",
        "Shared servers are described in aimass.yaml: `servers: {growth-small: {resources: {memory: 1Gi}}}`.",
    ),
    Explanation(
        "AM482",
        "it is the shared server that this is about",
        "How many servers run is said of the shared server, in aimass.yaml, and holds for all of its models. "
        "Of a model that shares it, `replicas` changes nothing.",
    ),
    Explanation(
        "AM483",
        "a shared server cannot promise answers that fast",
        "One model may keep the others of its server waiting for 5 ms at a time. An objective of less than "
        "25 ms for 99 of 100 answers would be missed when the others are busy, whatever the model does. Give "
        "it its own servers, or promise less.",
    ),
)
EXAMPLES = (
    Example(
        "AM480",
        fails="`serving: {shared: small, rollout: {canary: [100]}}`",
        passes="`serving: {shared: small}`",
        of="situation",
    ),
    Example(
        "AM481",
        fails="`serving: {shared: smal}`, and aimass.yaml has `servers: {small: {}}`",
        passes="`serving: {shared: small}`",
        of="situation",
    ),
    Example(
        "AM482",
        fails="`serving: {shared: small, replicas: {min: 3}}`",
        passes="`serving: {shared: small}`, and `servers: {small: {replicas: {min: 3}}}` in aimass.yaml",
        of="situation",
    ),
    Example(
        "AM483",
        fails="`serving: {shared: small, objectives: {latency: {p99: 10ms}}}`",
        passes="`serving: {shared: small, objectives: {latency: {p99: 50ms}}}`",
        of="situation",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with sharing, for all or in one environment."""
    seen: set[Path] = set()
    for name, environment in pipeline.environments.items():
        place = place_in(pipeline, name, "serving.shared")
        if environment.serving.shared is None:
            continue
        if place not in seen:
            yield from _of_server(pipeline, place, environment.serving.shared)
        if pipeline.first_model.artifact.engines and place not in seen:
            message = "a model that writes text needs its own server, and cannot share one"
            yield Finding("AM480", place, message, help="leave `shared` out", at_key=True)
        yield from (
            found for found in _of_model(pipeline, name, environment.serving) if found.path not in seen
        )
        seen |= {place, *(found.path for found in _of_model(pipeline, name, environment.serving))}


def _of_server(pipeline: Pipeline, place: Path, shared: str) -> Iterator[Finding]:
    servers = pipeline.settings.servers
    if shared not in servers:
        hint = did_you_mean(shared, servers) or f"write `servers: {{{shared}: {{}}}}` in {SETTINGS_FILE}"
        yield Finding("AM481", place, f"there is no shared server `{shared}`", help=hint)


def _of_model(pipeline: Pipeline, environment: str, serving: Serving) -> Iterator[Finding]:
    """Keys of a model that contradict the server that it shares."""
    place = place_in(pipeline, environment, "serving.replicas")
    if is_written(pipeline, place):
        message = f"how many servers run is said of `{serving.shared}`, in {SETTINGS_FILE}"
        hint = f"leave `replicas` out, and write `servers: {{{serving.shared}: {{replicas: …}}}}` there"
        yield Finding("AM482", place, message, help=hint, severity=Severity.WARNING, at_key=True)
    promised = serving.objectives.latency.p99
    if promised is not None and promised.seconds < QUICKEST_SECONDS:
        message = f"beside others in `{serving.shared}`, answers within {promised} cannot be promised"
        hint = "promise 25ms or more, or leave `shared` out"
        place = place_in(pipeline, environment, "serving.objectives.latency.p99")
        yield Finding("AM483", place, message, help=hint, severity=Severity.WARNING)
