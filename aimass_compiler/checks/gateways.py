"""What a spec asks of the gateway before its servers is what that gateway can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM547",
        "the gateway does not know how often to try again",
        "The standard of the Gateway API has no retries: they are written for an implementation that has "
        "them. Say which one an environment has: `gateway: {implementation: envoy-gateway}` in aimass.yaml, "
        "or, where the cluster has the experimental definitions of the Gateway API, `gateway: "
        "{implementation: istio, channel: experimental}`. Until then a gateway does what it does by itself: "
        "most try nothing again, and Istio twice where no server could be reached.",
    ),
    Explanation(
        "AM548",
        "requests are mirrored to the model itself",
        "Each request would be answered twice by the same servers, which doubles their load and compares "
        "nothing. Name another model of the project, such as the one that is to replace this one.",
    ),
    Explanation(
        "AM549",
        "nothing enforces `access` here",
        "The engine that serves this model knows no callers. They are looked at by Envoy Gateway, before the "
        "servers: for that the model needs a `serving.gateway`, and the environment `gateway: "
        "{implementation: envoy-gateway}` in aimass.yaml. Only requests that come through the gateway are "
        "then looked at: rows, tokens and certificates are not.",
    ),
)
_ENVOY = "environments: {dev: {gateway: {implementation: envoy-gateway}}}"
_ROUTE = "environments: {prod: {serving: {gateway: {host: churn.example.com"
EXAMPLES = (
    Example(
        "AM547",
        fails=f"{_ROUTE}, retries: 2}}}}}}}}",
        passes=f"{_ROUTE}}}}}}}}}",
    ),
    Example(
        "AM548",
        fails=f"{_ROUTE}, mirror: {{model: churn}}}}}}}}}}",
        passes=f"{_ROUTE}, mirror: {{model: churn-next}}}}}}}}}}",
    ),
    Example(
        "AM549",
        fails="serving: {engine: vllm, access: {keys: ticket-callers, callers: {shop: {}}}}",
        passes="serving: {engine: vllm, gateway: {host: tickets.example.com}, "
        "access: {keys: ticket-callers, callers: {shop: {}}}}",
        of="language",
        settings=_ENVOY,
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a gateway cannot do, once for each place that asks for it."""
    seen = set()
    for name in pipeline.environments:
        for finding in _of_environment(pipeline, name):
            if finding.path not in seen:
                seen.add(finding.path)
                yield finding


def _untold(
    name: str, place: Path, implementation: GatewayImplementation | None, hint: str
) -> Iterator[Finding]:
    if implementation is None:
        message = f"the gateway of `{name}` does not know how often to try again"
    elif not implementation.has_retries:
        message = f"Istio in `{name}` tries twice again where no server can be reached, and no more"
        hint = (
            "say `channel: experimental` beside it where the cluster has those definitions of the Gateway API"
        )
    else:
        return
    yield Finding("AM547", place, message, help=hint, severity=Severity.WARNING, at_key=True)


def _of_environment(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    serving, settings = pipeline.environments[name].serving, pipeline.settings.environments.get(name)
    implementation = settings.gateway if settings is not None else None
    has_policies = implementation is not None and not implementation.is_mesh
    gateway, where = serving.gateway, place_in(pipeline, name, "serving.gateway")
    hint = (
        f"write `environments: {{{name}: {{gateway: {{implementation: envoy-gateway}}}}}}` in {SETTINGS_FILE}"
    )
    if gateway is not None and gateway.retries is not None:
        yield from _untold(name, (*where, "retries"), implementation, hint)
    if gateway is not None and gateway.mirror is not None and gateway.mirror.model == pipeline.name:
        message = f"requests to `{pipeline.name}` are mirrored to `{pipeline.name}`"
        yield Finding("AM548", (*where, "mirror", "model"), message, help="name another model")
    is_enforced = engine_named(serving.engine).is_ours or (has_policies and gateway is not None)
    if serving.access is not None and not is_enforced:
        message = f"nothing in `{name}` looks at who asks {serving.engine}"
        place = place_in(pipeline, name, "serving.access")
        hint = hint if gateway is not None else f"add `serving.gateway`; {hint}"
        yield Finding("AM549", place, message, help=hint, at_key=True)
