"""What runs where: a table for people and for Markdown, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import to_builtins

from aimass_compiler.cli.views.apply import failure_json
from aimass_compiler.cli.views.cells import safe, table
from aimass_compiler.cli.views.changes import fenced
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.pod_images import short
from aimass_compiler.kubernetes.status import DeployedEnvironment, DeployedModel

FORMAT = "aimass.status/v1"
_HEAD = ["environment", "model", "version", "image", "ready", "health", "age", "applied", "in git"]
_COMMIT = 8
_LONGEST_VERSION = 24
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def drawn(places: Sequence[DeployedEnvironment]) -> str:
    """The table, then the reasons for what is not healthy."""
    return "".join(f"{line}\n" for line in _lines(places))


def as_markdown(places: Sequence[DeployedEnvironment]) -> str:
    """The same in a block of code, where nothing is markup."""
    failures = [safe(f"{place.environment}: {failure}") for place in places for failure in place.failures]
    return "".join(f"{line}\n" for line in fenced([*_lines(places), *failures], "text"))


def as_json(places: Sequence[DeployedEnvironment]) -> str:
    """Every environment with its models."""
    document = {"format": FORMAT, "environments": [_place(place) for place in places]}
    return json.dumps(document, indent=2) + "\n"


def _lines(places: Sequence[DeployedEnvironment]) -> Iterator[str]:
    rows = [_row(place, each) for place in places for each in place.models]
    if rows:
        yield from table([_HEAD, *rows], indent="")
    for place in places:
        if place.failure is None and not place.models:
            yield safe(f"{place.environment}: nothing runs in the namespace {place.namespace}")
    reasons = [line for place in places for each in place.models for line in _reasons(each)]
    reasons += [
        safe(f"{job.model} is trained in {place.environment}: {job.name}: {job.state}")
        for place in places
        for job in place.jobs
    ]
    if reasons:
        yield ""
    yield from reasons


def _reasons(running: DeployedModel) -> Iterator[str]:
    """Why it is not healthy, what serves beside it and what is held back."""
    where = f"{running.model} in {running.environment}"
    if running.reason:
        yield safe(f"{where}: {running.reason}")
    if running.stable:
        yield safe(f"{where}: `{running.version}` is a canary; `{running.stable}` serves on")
    for hold in running.holds:
        yield safe(f"{where}: {hold}")


def _row(place: DeployedEnvironment, running: DeployedModel) -> list[str]:
    ready = "" if running.wanted is None else f"{running.ready}/{running.wanted}"
    version = running.version
    return [
        place.environment,
        running.model,
        version if len(version) <= _LONGEST_VERSION else f"{version[: _LONGEST_VERSION - 1]}…",
        short(running.digest),
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


def _place(place: DeployedEnvironment) -> dict[str, Any]:
    return {
        "environment": place.environment,
        "namespace": place.namespace,
        "cluster": place.cluster or None,
        "failure": _failure(place.failure),
        "models": [_model(each) for each in place.models],
        "jobs": [{"model": each.model, "name": each.name, "state": each.state} for each in place.jobs],
    }


def _model(running: DeployedModel) -> dict[str, Any]:
    return {
        "model": running.model,
        "version": running.version or None,
        "digest": running.digest or None,
        "stable": running.stable or None,
        "ready": running.ready,
        "wanted": running.wanted,
        "health": running.health.value,
        "reason": running.reason or None,
        "since": None if running.since is None else running.since.isoformat(),
        "commit": running.commit or None,
        "inGit": running.in_git.value,
        "holds": [to_builtins(each) for each in running.holds],
        "failure": _failure(running.failure),
    }


def _failure(failure: ClusterError | None) -> dict[str, Any] | None:
    return None if failure is None else failure_json(failure)
