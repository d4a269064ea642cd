"""Prometheus, or what answers like it, by its HTTP API.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

T = TypeVar("T")
_SECONDS = 30
#: What is sent as `Authorization`, so that no secret stands in a file or an argument.
VARIABLE_AUTHORIZATION = "AIMASS_PROMETHEUS_AUTHORIZATION"


class PrometheusError(Exception):
    """It cannot be asked, or does not know what was asked; the message says why."""


class Series(Struct, frozen=True):
    """One answer of an instant query."""

    labels: dict[str, str]
    value: float


class SeriesHistory(Struct, frozen=True):
    """One answer of a range query."""

    labels: dict[str, str]
    points: list[tuple[float, float]]
    """Seconds since 1970 and the value, in the order of time; there is none where nothing was measured."""


def ask(address: str, query: str, tenant: str | None = None) -> list[Series]:
    """What an expression is now, as a vector. Raises PrometheusError."""
    return _asked(address, "query", {"query": query}, tenant, _series)


def ask_range(
    address: str, query: str, span: tuple[float, float], step: float, tenant: str | None = None
) -> list[SeriesHistory]:
    """What an expression was between two times, in seconds since 1970, by steps. Raises PrometheusError."""
    given = {"query": query, "start": f"{span[0]:.0f}", "end": f"{span[1]:.0f}", "step": f"{step:.0f}"}
    return _asked(address, "query_range", given, tenant, _history)


def unreachable(address: str, tenant: str | None = None) -> str:
    """Why it cannot be asked; nothing where it can."""
    try:
        ask(address, "vector(1)", tenant)
    except PrometheusError as error:
        return str(error)
    return ""


def _asked(
    address: str, what: str, given: dict[str, str], tenant: str | None, read: Callable[[dict[str, Any]], T]
) -> list[T]:
    url = f"{address.rstrip('/')}/api/v1/{what}?{urllib.parse.urlencode(given)}"
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
        return [read(each) for each in document["data"]["result"]]
    except (OSError, http.client.HTTPException) as error:
        why = getattr(_cause(error), "strerror", None) or error
        raise PrometheusError(f"{address} cannot be asked: {why}") from None
    except (ValueError, LookupError, TypeError):
        raise PrometheusError(f"{address} does not answer as Prometheus does") from None


def _cause(error: Exception) -> object:
    """What urllib wraps where no connection came about."""
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return error.reason
    return error


def _series(found: dict[str, Any]) -> Series:
    return Series(dict(found["metric"]), float(found["value"][1]))


def _history(found: dict[str, Any]) -> SeriesHistory:
    points = [(float(time), float(value)) for time, value in found["values"]]
    return SeriesHistory(dict(found["metric"]), points)
