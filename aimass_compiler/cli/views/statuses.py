"""What runs where: a table for people and for Markdown, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.fenced import fenced
from aimass_compiler.cli.views.objects_json import failure_of
from aimass_compiler.cli.views.table import table
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.running import Running

FORMAT = "aimass.status/v1"
_HEAD = ["environment", "model", "version", "ready", "health", "age", "applied", "in git"]
_COMMIT = 8
_LONGEST_VERSION = 24
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class Place:
    """One environment, and what runs there."""

    environment: str
    namespace: str
    cluster: str = ""
    """The address of its API server."""
    now: datetime | None = None
    """The time there."""
    models: tuple[Running, ...] = ()
    failure: ClusterError | None = None
    """Why it cannot be looked at."""

    @property
    def failures(self) -> list[ClusterError]:
        """Why it, or some of its models, cannot be looked at."""
        found = (self.failure, *(each.failure for each in self.models))
        return [failure for failure in found if failure is not None]


def drawn(places: Sequence[Place]) -> str:
    """The table, then the reasons for what is not healthy."""
    return "".join(f"{line}\n" for line in _lines(places))


def as_markdown(places: Sequence[Place]) -> str:
    """The same in a block of code, where nothing is markup."""
    failures = [safe(f"{place.environment}: {failure}") for place in places for failure in place.failures]
    return "".join(f"{line}\n" for line in fenced([*_lines(places), *failures], "text"))


def as_json(places: Sequence[Place]) -> str:
    """Every environment with its models."""
    document = {"format": FORMAT, "environments": [_place(place) for place in places]}
    return json.dumps(document, indent=2) + "\n"


def _lines(places: Sequence[Place]) -> Iterator[str]:
    rows = [_row(place, each) for place in places for each in place.models]
    if rows:
        yield from table([_HEAD, *rows], indent="")
    for place in places:
        if place.failure is None and not place.models:
            yield safe(f"{place.environment}: nothing runs in the namespace {place.namespace}")
    reasons = [each for place in places for each in place.models if each.reason]
    if reasons:
        yield ""
    for each in reasons:
        yield safe(f"{each.model} in {each.environment}: {each.reason}")


def _row(place: Place, running: Running) -> list[str]:
    ready = "" if running.wanted is None else f"{running.ready}/{running.wanted}"
    version = running.version
    return [
        place.environment,
        running.model,
        version if len(version) <= _LONGEST_VERSION else f"{version[: _LONGEST_VERSION - 1]}…",
        ready,
        str(running.health),
        _age(place.now, running.since),
        running.commit[:_COMMIT],
        str(running.in_git),
    ]


def _age(now: datetime | None, since: datetime | None) -> str:
    if now is None or since is None:
        return ""
    seconds = int(max(now - since, timedelta()).total_seconds())
    unit, size = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds // size}{unit}"


def _place(place: Place) -> dict[str, Any]:
    return {
        "environment": place.environment,
        "namespace": place.namespace,
        "cluster": place.cluster or None,
        "failure": _failure(place.failure),
        "models": [_model(each) for each in place.models],
    }


def _model(running: Running) -> dict[str, Any]:
    return {
        "model": running.model,
        "version": running.version or None,
        "ready": running.ready,
        "wanted": running.wanted,
        "health": running.health.value,
        "reason": running.reason or None,
        "since": None if running.since is None else running.since.isoformat(),
        "commit": running.commit or None,
        "inGit": running.in_git.value,
        "failure": _failure(running.failure),
    }


def _failure(failure: ClusterError | None) -> dict[str, Any] | None:
    return None if failure is None else failure_of(failure)
