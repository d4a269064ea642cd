"""Envoy Gateway's policies beside a route: who may pass, how fast, and what is tried again.

Source: https://gateway.envoyproxy.io/v1.9/api/extension_types/
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from aimass_compiler import access_folder
from aimass_compiler.catalog.rate import Rate
from aimass_compiler.pipeline.access import Access, Caller, CallerToken, TokenIssuer
from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation
from aimass_compiler.pipeline.serving import Gateway, Serving
from aimass_compiler.render.serving import callers, route_rule
from aimass_compiler.render.serving.route_rule import CERTIFICATE, KEY, TOKEN

GROUP = "gateway.envoyproxy.io"
_VERSION = f"{GROUP}/v1alpha1"
_UNITS = {1: "Second", 60: "Minute", 3600: "Hour", 86_400: "Day"}
_LONGEST_PAUSE = 60
#: Where the proxy writes whose key it was, and what a token claims, for its own rate limits.
_CALLER = "x-aimass-caller"
_CLAIM = "x-aimass-claim-{claim}"
_XFCC = "x-forwarded-client-cert"


def route_rules(
    model: str, serving: Serving, implementation: GatewayImplementation
) -> list[route_rule.RouteRule]:
    """The rules of the route."""
    access = serving.access
    if access is None:
        return [route_rule.ANY]
    reference = {"group": GROUP, "kind": "HTTPRouteFilter", "name": model}
    is_known = implementation.credential is not None and callers.has_certificates(access)
    filters = [{"type": "ExtensionRef", "extensionRef": reference}] if is_known else []
    return [*route_rule.rules_of(access, filters)]


def policies(
    model: str, serving: Serving, gateway: Gateway, implementation: GatewayImplementation
) -> Iterator[dict[str, Any]]:
    """All that stands beside the route."""
    access = serving.access
    retries = {} if gateway.retries is None else {"retry": _retry(gateway.retries)}
    if access is None:
        if retries:
            yield _policy("BackendTrafficPolicy", model, route_rule.ANY, serving, retries)
        return
    for kind, rule in zip(route_rule.kinds(access), route_rule.rules_of(access, ()), strict=True):
        if kind in _CHECKS:
            yield _policy("SecurityPolicy", model, rule, serving, _CHECKS[kind](access))
        limits = _limits(access, kind, implementation, is_of_text=serving.context is not None)
        if found := {**retries, **limits}:
            yield _policy("BackendTrafficPolicy", model, rule, serving, found)
    if implementation.credential is not None and callers.has_certificates(access):
        yield _credential(model, implementation.credential)


def _policy(
    kind: str, model: str, rule: route_rule.RouteRule, serving: Serving, spec: Mapping[str, Any]
) -> dict[str, Any]:
    """A policy of one rule alone.

    A header by which a limit knows a caller is then set by what checks that rule, whatever a client sent.
    """
    names = [rule.name, *([route_rule.of_grpc(rule).name] if serving.grpc and rule.name else [])]
    return {
        "apiVersion": _VERSION,
        "kind": kind,
        "metadata": {"name": f"{model}-{rule.name}" if rule.name else model},
        "spec": {"targetRefs": [_route(model, name) for name in names], **spec},
    }


def _route(model: str, rule: str = "") -> dict[str, Any]:
    section = {"sectionName": rule} if rule else {}
    return {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": model, **section}


def _keys(access: Access) -> dict[str, Any]:
    """The server checks the key as well, and so must see it."""
    return {
        "apiKeyAuth": {
            "credentialRefs": [{"group": "", "kind": "Secret", "name": access.keys}],
            "extractFrom": [{"headers": [access_folder.KEY_HEADER, "authorization"]}],
            "forwardClientIDHeader": _CALLER,
            "sanitize": False,
        }
    }


def _tokens(access: Access) -> dict[str, Any]:
    claims = sorted(
        {claim for caller in access.callers.values() if caller.token for claim in caller.token.claims}
    )
    headers = [{"claim": claim, "header": _CLAIM.format(claim=claim.lower())} for claim in claims]
    providers = [
        {
            "name": name,
            "issuer": issuer.url,
            "audiences": [issuer.audience],
            **_public_keys(issuer),
            "claimToHeaders": headers,
        }
        for name, issuer in access.issuers.items()
    ]
    rules = [
        rule
        for name, caller in access.callers.items()
        if caller.token is not None
        for rule in _allowed(name, caller.token, caller.token.issuer or next(iter(access.issuers), ""))
    ]
    return {"jwt": {"providers": providers}, "authorization": {"defaultAction": "Deny", "rules": rules}}


def _allowed(name: str, token: CallerToken, issuer: str) -> Iterator[dict[str, Any]]:
    """A rule for each form that the claims may have: the gateway asks whether one is a text or a list.

    Those of words are lists to it whatever they are.
    """
    forms = [
        ("StringArray",) if claim in access_folder.CLAIMS_OF_WORDS else ("String", "StringArray")
        for claim in token.claims
    ]
    for number, chosen in enumerate(itertools.product(*forms)):
        claims = [
            {"name": claim, "valueType": form, "values": [value]}
            for (claim, value), form in zip(token.claims.items(), chosen, strict=True)
        ]
        yield {
            "name": f"{name}-{number}" if number else name,
            "action": "Allow",
            "principal": {"jwt": {"provider": issuer, "claims": claims}},
        }


def _public_keys(issuer: TokenIssuer) -> dict[str, Any]:
    if issuer.config_map is None:
        return {"remoteJWKS": {"uri": issuer.keys}}
    reference = {"group": "", "kind": "ConfigMap", "name": issuer.config_map}
    return {"localJWKS": {"type": "ValueRef", "valueRef": reference}}


#: What checks callers at the gateway; certificates have no word there, and the servers look at them.
_CHECKS = {KEY: _keys, TOKEN: _tokens}


def _credential(model: str, secret: str) -> dict[str, Any]:
    """By it the servers know the gateway, and believe what it says of certificates."""
    injected = {
        "header": access_folder.GATEWAY_HEADER,
        "overwrite": True,
        "credential": {"valueRef": {"group": "", "kind": "Secret", "name": secret}},
    }
    return {
        "apiVersion": _VERSION,
        "kind": "HTTPRouteFilter",
        "metadata": {"name": model},
        "spec": {"credentialInjection": injected},
    }


def _limits(
    access: Access, kind: str, implementation: GatewayImplementation, *, is_of_text: bool
) -> dict[str, Any]:
    """Requests by caller; quotas only where they are counted for all proxies together."""
    is_global = implementation.limits == "global"
    rules = [
        {
            "clientSelectors": [{"headers": _selected(caller_name, caller)}],
            "limit": limit,
            # Else each path of the model, and gRPC beside them, would have a separate budget.
            **({"shared": True} if is_global else {}),
        }
        for caller_name, caller in access.callers.items()
        if route_rule.kind_of(caller) == kind
        for limit in _of_caller(caller, is_global=is_global)
    ]
    if not rules:
        return {}
    where = "Global" if is_global else "Local"
    return {
        "rateLimit": {"type": where, where.lower(): {"rules": rules}},
        "responseOverride": [_limited(_pause(rules), is_of_text=is_of_text)],
    }


def _pause(rules: Iterable[Mapping[str, Any]]) -> int:
    """Seconds after which a limited caller may try again: the shortest time that is counted, or a minute.

    What is left of it, the gateway says in headers that an answer of our own does not get.
    """
    units = {rule["limit"]["unit"] for rule in rules}
    return min(_LONGEST_PAUSE, *(seconds for seconds, unit in _UNITS.items() if unit in units))


def _limited(seconds: int, *, is_of_text: bool) -> dict[str, Any]:
    """What the gateway itself answers beyond a limit, as the server would: why, and when to come again."""
    why = "the caller has used up its requests"
    error = {"message": why, "type": "rate_limit_error", "param": None, "code": None} if is_of_text else why
    return {
        "match": {"statusCodes": [{"type": "Value", "value": 429}]},
        "source": "Local",
        "response": {
            "contentType": "application/json",
            "body": {"type": "Inline", "inline": msgspec.json.encode({"error": error}).decode()},
            "header": {"set": [{"name": "Retry-After", "value": str(seconds)}]},
        },
    }


def _of_caller(caller: Caller, *, is_global: bool) -> Iterator[dict[str, Any]]:
    if caller.rate is not None and caller.rate.requests is not None:
        yield _limit(caller.rate.requests)
    if is_global and caller.quota is not None and caller.quota.requests is not None:
        yield {"requests": caller.quota.requests, "unit": "Day"}


def _limit(rate: Rate) -> dict[str, Any]:
    return {"requests": rate.number, "unit": _UNITS[rate.seconds]}


def _selected(name: str, caller: Caller) -> list[Mapping[str, Any]]:
    """What a request of the caller has: for a key its entry, of which there may be a second one."""
    if caller.token is not None:
        return [_claimed(claim, value) for claim, value in caller.token.claims.items()]
    if route_rule.kind_of(caller) == CERTIFICATE:
        pattern = f"(.*;)?URI={re.escape(str(caller.certificate))}(;.*)?"
        return [{"type": "RegularExpression", "name": _XFCC, "value": pattern}]
    return [{"type": "RegularExpression", "name": _CALLER, "value": f"{name}([.]next)?"}]


def _claimed(claim: str, value: str) -> Mapping[str, str]:
    """A claim as the proxy has written it into a header."""
    header = _CLAIM.format(claim=claim.lower())
    if claim in access_folder.CLAIMS_OF_WORDS:
        word = f"(.* )?{re.escape(value)}( .*)?"
        return {"type": "RegularExpression", "name": header, "value": word}
    return {"type": "Exact", "name": header, "value": value}


def _retry(count: int) -> dict[str, Any]:
    """Only what no server has begun to answer, so that nothing is asked twice.

    A server that is full or stops says 503 before it begins, and another one may have room.
    """
    return {
        "numRetries": count,
        "retryOn": {
            "triggers": ["connect-failure", "refused-stream", "retriable-status-codes"],
            "httpStatusCodes": [503],
        },
    }
