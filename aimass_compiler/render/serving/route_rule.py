"""The rules of a route: which requests each of them is for, by what their callers are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler import access_folder
from aimass_compiler.pipeline.access import Access, Caller


class RouteRule(Struct, frozen=True):
    """One rule of a route."""

    name: str = ""
    """Of the rule, where there are several."""
    match: Mapping[str, Any] = {}
    """What its requests have, beside their path."""
    filters: Sequence[dict[str, Any]] = ()
    retry: Mapping[str, Any] = {}
    """What is tried again, where the route itself says it."""


def of_grpc(rule: RouteRule) -> RouteRule:
    """The same for gRPC, called after it."""
    return RouteRule(f"{rule.name}-grpc" if rule.name else "", rule.match, rule.filters, rule.retry)


#: The only one, where it makes no difference who asks.
ANY = RouteRule()
TOKEN, KEY, CERTIFICATE = "token", "key", "certificate"
#: A JSON Web Token: three parts with dots between them, which no key of ours needs to have.
_BEARER = r"Bearer [A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+"
_HEADERS = {
    TOKEN: {"type": "RegularExpression", "name": "authorization", "value": _BEARER},
    KEY: {"type": "RegularExpression", "name": access_folder.KEY_HEADER, "value": ".+"},
}


def kind_of(caller: Caller) -> str:
    """What a caller is known by."""
    if caller.token is not None:
        return TOKEN
    return KEY if caller.certificate is None else CERTIFICATE


def kinds(access: Access) -> list[str]:
    """What callers are known by, in the order in which requests are looked at."""
    found = {kind_of(caller) for caller in access.callers.values()}
    return [kind for kind in (TOKEN, KEY, CERTIFICATE) if kind in found]


def rules_of(access: Access, filters: Sequence[dict[str, Any]]) -> Iterator[RouteRule]:
    """One for each kind: the last one is also for who sends neither, and refuses it."""
    found = kinds(access)
    for kind in found:
        is_last = kind == found[-1]
        yield RouteRule(
            name=kind if len(found) > 1 else "",
            match={} if is_last else {"headers": [_HEADERS[kind]]},
            filters=filters,
        )
