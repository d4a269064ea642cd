"""Prometheus, or what answers like it, by its HTTP API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.parse
import urllib.request
from typing import Any

from msgspec import Struct

_SECONDS = 30
#: What is sent as `Authorization`, so that no secret stands in a file or an argument.
VARIABLE_AUTHORIZATION = "AIMASS_PROMETHEUS_AUTHORIZATION"


class PrometheusError(Exception):
    """It cannot be asked, or does not know what was asked; the message says why."""


class Series(Struct, frozen=True):
    """One answer of an instant query."""

    labels: dict[str, str]
    value: float


def ask(address: str, query: str, tenant: str | None = None) -> list[Series]:
    """What an expression is now, as a vector. Raises PrometheusError."""
    url = f"{address.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    headers = {} if tenant is None else {"X-Scope-OrgID": tenant}
    if authorization := os.environ.get(VARIABLE_AUTHORIZATION):
        headers["Authorization"] = authorization
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # the address is the user's own
    except ValueError:
        example = "http://prometheus.monitoring.svc:9090"
        raise PrometheusError(f"`{address}` is no address; write it like `{example}`") from None
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
            document = json.load(answer)
        return [_series(each) for each in document["data"]["result"]]
    except (OSError, http.client.HTTPException) as error:
        raise PrometheusError(f"{address} cannot be asked: {error}") from None
    except (ValueError, LookupError, TypeError):
        raise PrometheusError(f"{address} does not answer as Prometheus does") from None


def _series(found: dict[str, Any]) -> Series:
    return Series(dict(found["metric"]), float(found["value"][1]))
