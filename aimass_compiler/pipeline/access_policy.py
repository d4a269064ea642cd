"""Who may ask, as a file that servers follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import access_folder
from aimass_compiler.pipeline.access import Access, Caller, CallerQuota, CallerRate

_UNITS = ("requests", "rows", "tokens")


def policy_document(access: Access, replicas: int, trusted: str | None) -> dict[str, Any]:
    """The policy as servers read it, of which each of the `replicas` counts its share.

    Who is `trusted` about certificates: the `gateway`, or a `sidecar`.
    """
    issuers = {
        name: {
            "url": issuer.url,
            "audience": issuer.audience,
            **({"keys": issuer.keys} if issuer.keys else {}),
        }
        for name, issuer in access.issuers.items()
    }
    return {
        "format": access_folder.ACCESS_FORMAT,
        "replicas": replicas,
        "callers": {name: _caller(access, caller) for name, caller in access.callers.items()},
        **({"issuers": issuers} if issuers else {}),
        **({"trusted": trusted} if trusted is not None else {}),
    }


def _caller(access: Access, caller: Caller) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if caller.token is not None:
        issuer = caller.token.issuer or next(iter(access.issuers), "")
        found["token"] = {"issuer": issuer, "claims": dict(caller.token.claims)}
    if caller.certificate is not None:
        found["certificate"] = caller.certificate
    limits = [*_rates(caller.rate), *_quotas(caller.quota)]
    return found | ({"limits": limits} if limits else {})


def _rates(rate: CallerRate | None) -> Iterator[dict[str, Any]]:
    for unit in _UNITS if rate is not None else ():
        written = getattr(rate, unit)
        if written is not None:
            burst = {"burst": rate.largest_burst} if rate is not None and unit == "requests" else {}
            yield {"unit": unit, "count": written.number, "seconds": written.seconds, **burst}


def _quotas(quota: CallerQuota | None) -> Iterator[dict[str, Any]]:
    for unit in _UNITS if quota is not None else ():
        if (count := getattr(quota, unit)) is not None:
            yield {"unit": unit, "count": count}
