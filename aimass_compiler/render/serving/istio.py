"""Istio's policies for the pods of a model: whose tokens count, and which principals may ask.

Source: https://istio.io/latest/docs/reference/config/security/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import access_folder, conventions
from aimass_compiler.pipeline.access import Access, Caller, TokenIssuer
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.names import serving_selector
from aimass_compiler.render.serving import route_rule
from aimass_compiler.render.serving.route_rule import CERTIFICATE, KEY, TOKEN

GROUP = "security.istio.io"
_VERSION = f"{GROUP}/v1"
_SPIFFE = "spiffe://"
#: Where kubelets and Prometheus come, who are no callers.
_OPEN = (conventions.METRICS_PATH, conventions.LIVE_PATH, conventions.READY_PATH, conventions.HEALTH_PATH)


def policies(model: str, serving: Serving) -> Iterator[dict[str, Any]]:
    """What the sidecars of the pods enforce, whichever way a request comes."""
    access = serving.access
    if access is None:
        return
    selector = {"selector": {"matchLabels": serving_selector(model)}}
    if rules := [_issuer(issuer) for issuer in access.issuers.values() if issuer.keys]:
        yield _object("RequestAuthentication", model, {**selector, "jwtRules": rules})
    allowed = [rule for caller in access.callers.values() if (rule := _allowed(access, caller))]
    allowed += [_with(header) for header in _unread(access)]
    probes = {"to": [{"operation": {"paths": [*_OPEN, f"{conventions.MODELS_PATH}/{model}/ready"]}}]}
    yield _object("AuthorizationPolicy", model, {**selector, "action": "ALLOW", "rules": [probes, *allowed]})


def _object(kind: str, model: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": {"name": model}, "spec": spec}


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
    if kind != TOKEN or caller.token is None:
        return None
    issuer = access.issuers[caller.token.issuer or next(iter(access.issuers))]
    if issuer.keys is None:
        return None
    conditions = [
        {"key": f"request.auth.claims[{claim}]", "values": [value]}
        for claim, value in caller.token.claims.items()
    ]
    return {"from": [{"source": {"requestPrincipals": [f"{issuer.url}/*"]}}], "when": conditions}


def _unread(access: Access) -> Iterator[str]:
    """Headers that the sidecar cannot read: what has one is let through to the server, which can."""
    kinds = route_rule.kinds(access)
    if KEY in kinds:
        yield access_folder.KEY_HEADER
    if kinds[0] == KEY or any(issuer.keys is None for issuer in access.issuers.values()):
        yield "authorization"


def _with(header: str) -> dict[str, Any]:
    return {"when": [{"key": f"request.headers[{header}]", "values": ["*"]}]}
