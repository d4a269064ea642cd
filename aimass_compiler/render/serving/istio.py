"""Istio's policies for the pods of a model: whose tokens count, and which principals may ask.

Source: https://istio.io/latest/docs/reference/config/security/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import access_folder, conventions
from aimass_compiler.pipeline.access import Access, Caller, TokenIssuer
from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation
from aimass_compiler.pipeline.serving import Gateway, Serving
from aimass_compiler.render.names import serving_selector
from aimass_compiler.render.serving import route_rule
from aimass_compiler.render.serving.route_rule import CERTIFICATE, KEY, TOKEN

GROUP = "security.istio.io"
_VERSION = f"{GROUP}/v1"
_SPIFFE = "spiffe://"
#: Where kubelets and Prometheus come, who are no callers.
_OPEN = (conventions.METRICS_PATH, conventions.LIVE_PATH, conventions.READY_PATH, conventions.HEALTH_PATH)


def route_rules(gateway: Gateway, implementation: GatewayImplementation) -> list[route_rule.RouteRule]:
    """The one rule of the route, which says itself what is tried again where its definition knows that.

    Source: https://gateway-api.sigs.k8s.io/geps/gep-1731/
    """
    if gateway.retries is None or not implementation.has_retries:
        return [route_rule.ANY]
    return [route_rule.RouteRule(retry={"attempts": gateway.retries, "codes": [503]})]


def policies(model: str, serving: Serving) -> Iterator[dict[str, Any]]:
    """What the sidecars of the pods enforce, whichever way a request comes."""
    access = serving.access
    if access is None:
        return
    selector = {"selector": {"matchLabels": serving_selector(model)}}
    if rules := [*_jwt_rules(access)]:
        yield _object("RequestAuthentication", model, {**selector, "jwtRules": rules})
    allowed = [rule for caller in access.callers.values() if (rule := _allowed(access, caller))]
    allowed += [_with(header) for header in _unread(access)]
    probes = {"to": [{"operation": {"paths": [*_OPEN, f"{conventions.MODELS_PATH}/{model}/ready"]}}]}
    yield _object("AuthorizationPolicy", model, {**selector, "action": "ALLOW", "rules": [probes, *allowed]})


def _object(kind: str, model: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": {"name": model}, "spec": spec}


def _jwt_rules(access: Access) -> Iterator[dict[str, Any]]:
    """Whose tokens the sidecar verifies: those of all issuers or of none, as it refuses any other's."""
    if _are_all_fetched(access):
        claims = {claim for each in access.callers.values() if each.token for claim in each.token.claims}
        words = sorted(claims.intersection(access_folder.CLAIMS_OF_WORDS))
        for issuer in access.issuers.values():
            yield _issuer(issuer) | ({"spaceDelimitedClaims": words} if words else {})


def _issuer(issuer: TokenIssuer) -> dict[str, Any]:
    """The token goes on to the server, which looks at it as well."""
    return {
        "issuer": issuer.url,
        "audiences": [issuer.audience],
        "jwksUri": issuer.keys,
        "forwardOriginalToken": True,
    }


def _allowed(access: Access, caller: Caller) -> dict[str, Any] | None:
    kind = route_rule.kind_of(caller)
    if kind == CERTIFICATE:
        principal = str(caller.certificate).removeprefix(_SPIFFE)
        return {"from": [{"source": {"principals": [principal]}}]}
    if kind != TOKEN or caller.token is None or not _are_all_fetched(access):
        return None
    issuer = access.issuers[caller.token.issuer or next(iter(access.issuers))]
    # Not its `requestPrincipals`, which only a token with a subject has.
    claims = {"iss": issuer.url, **caller.token.claims}
    return {"when": [_claim(name, value) for name, value in claims.items()]}


def _claim(name: str, value: str) -> dict[str, Any]:
    return {"key": f"request.auth.claims[{name}]", "values": [value]}


def _are_all_fetched(access: Access) -> bool:
    return all(issuer.keys for issuer in access.issuers.values())


def _unread(access: Access) -> Iterator[str]:
    """Headers that the sidecar cannot read: what has one is let through to the server, which can."""
    kinds = route_rule.kinds(access)
    if KEY in kinds:
        yield access_folder.KEY_HEADER
    if kinds[0] == KEY or not _are_all_fetched(access):
        yield "authorization"


def _with(header: str) -> dict[str, Any]:
    return {"when": [{"key": f"request.headers[{header}]", "values": ["*"]}]}
