"""Scaling that would lose requests, or that would change nothing."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in

_HOURS = "schedule: [{start: 0 8 * * 1-5, end: 0 18 * * 1-5, servers: 6}]"
EXPLANATIONS = (
    Explanation(
        "AM529",
        "nothing would hold the first request",
        "With `replicas.idle` no server runs while no request comes, and the next request must wait for one. "
        "KEDA's HTTP add-on holds it, and only requests that come by a route lead through it: without "
        "`serving.gateway`, callers ask the Service itself, which refuses them while there is no server, and "
        "nothing would start one. A canary cannot be judged while nothing runs, and the add-on holds no "
        "gRPC. Add `gateway`, or leave `idle` out.",
    ),
    Explanation(
        "AM530",
        "these hours change nothing, or ask for too many servers",
        "`schedule` raises the number of servers in some hours, between `min`, which always run, and `max`, "
        "beyond which KEDA starts none.",
    ),
)
EXAMPLES = (
    Example(
        "AM529",
        "serving: {replicas: {idle: {after: 15m}}}",
        "serving: {replicas: {idle: {after: 15m}}, gateway: {host: churn.example.com}}",
    ),
    Example(
        "AM530",
        f"serving: {{replicas: {{min: 2, max: 4, {_HOURS}}}}}",
        f"serving: {{replicas: {{min: 2, max: 8, {_HOURS}}}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with hours and with idle servers, once for each place."""
    seen = set()
    for name in pipeline.environments:
        for finding in (*_unheld(pipeline, name), *_hours(pipeline, name)):
            if (finding.path, finding.message) not in seen:
                seen.add((finding.path, finding.message))
                yield finding


def _unheld(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    serving = pipeline.environments[name].serving
    if serving.replicas.idle is None:
        return
    path = place_in(pipeline, name, "serving.replicas.idle")
    for is_so, message, hint in (
        (
            serving.gateway is None,
            "nothing holds the first request while no server runs, so it is refused and starts none",
            "add `serving.gateway`, or leave `idle` out",
        ),
        (
            bool(serving.rollout.canary),
            "a canary cannot be judged while no server runs",
            "leave `idle` out, or `rollout.canary`",
        ),
        (
            bool(serving.grpc),
            "nothing holds calls of gRPC while no server runs",
            "leave `idle` out, or `grpc`",
        ),
    ):
        if is_so:
            yield Finding("AM529", path, message, help=hint, at_key=True)


def _hours(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    replicas = pipeline.environments[name].serving.replicas
    path = place_in(pipeline, name, "serving.replicas.schedule")
    for place, hours in enumerate(replicas.schedule):
        at = (*path, place, "servers")
        if hours.servers > replicas.max:
            message = f"{hours.servers} servers are more than `max`, {replicas.max}"
            yield Finding("AM530", at, message, help=f"write `max: {hours.servers}`, or fewer servers")
        elif hours.servers <= replicas.fewest:
            message = f"{replicas.fewest} servers always run, so {hours.servers} in some hours change nothing"
            yield Finding("AM530", at, message, help="write more of them", severity=Severity.WARNING)
