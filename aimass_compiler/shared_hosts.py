"""Two models that share a host, which no spec shows by itself.

Of a spec that did not change since it was compiled, its pipeline.json tells; any other one is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.checks import remaining
from aimass_compiler.diagnostics import Finding, Path, Related, Severity
from aimass_compiler.explanations import Example, Explanation
from aimass_compiler.memory import Memory, recall
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.places import place_in
from aimass_compiler.spec.reader import Read, read_document

if TYPE_CHECKING:
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project
    from aimass_compiler.spec.document import Document

EXPLANATIONS = (
    Explanation(
        "AM455",
        "two models share a host",
        "A route receives every request to its host. Where two models have the same host at one gateway, "
        "only the older route is used, and callers of the other model get predictions of the wrong one. "
        "Give each model its own host in each environment. Environments whose clusters differ by `server` "
        "in aimass.yaml do not conflict, nor do two gateways. Where the host of one model only matches the "
        "`*.` of another, the exact host wins, which is a warning; a waiver in aimass.yaml accepts it, "
        "because it concerns two specs. All specs of the project count, also those that are not compiled "
        "now.",
    ),
)
EXAMPLES = (
    Example(
        "AM455",
        fails="`specs/churn.yaml` and `specs/leavers.yaml` both have `gateway: {host: models.example.com}`",
        passes="each of them has its own host",
        of="situation",
    ),
)
_ANY = "*."

#: What a spec that was read stands for: its document, its pipeline, and what is wrong.
Lower = Callable[[Read, "Settings"], tuple["Document", Pipeline | None, list[Finding]]]


class Route(Struct, frozen=True):
    """The route to one model in one environment, and where in its spec it is written."""

    model: str
    file: str
    environment: str
    place: tuple[str | None, str, str]
    """The cluster, as far as it is written, and the gateway."""
    host: str
    path: Path


class Met(Struct, frozen=True):
    """The models that meet, and the specs that tell of it."""

    findings: list[Finding]
    documents: dict[str, Document]


def routes(pipelines: Mapping[str, Pipeline]) -> tuple[Route, ...]:
    """The routes of models that were compiled, by the files of their specs."""
    return tuple(
        Route(
            pipeline.name,
            file,
            name,
            (_server(pipeline.settings, name), gateway.namespace, gateway.name),
            gateway.host,
            (*place_in(pipeline, name, "serving.gateway"), "host"),
        )
        for file, pipeline in pipelines.items()
        for name, environment in pipeline.environments.items()
        if (gateway := environment.serving.gateway) is not None
    )


def routes_in(pipeline: Mapping[str, Any], file: str, settings: Settings) -> tuple[Route, ...]:
    """The same of a model's pipeline.json, which is what the spec says."""
    return tuple(
        Route(
            pipeline["metadata"]["name"],
            file,
            name,
            (_server(settings, name), gateway["namespace"], gateway["name"]),
            gateway["host"],
            ("serving", "gateway", "host"),
        )
        for name, environment in pipeline["environments"].items()
        if (gateway := environment["serving"]["gateway"]) is not None
    )


def findings(routes: Iterable[Route], others: Iterable[Route]) -> Iterator[Finding]:
    """Each model that meets another one, once: at the later of two that are compiled; `others` are not."""
    before = _Index(others)
    for _, group in groupby(routes, attrgetter("model")):
        own = list(group)
        if found := before.meeting(own):
            yield _reported(*found)
        before.add(own)


class _Index:
    """Routes, found by their hosts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_host: dict[tuple[object, str], list[Route]] = {}
        #: By the gateway and what hosts below the `*.` end with, and by what each host ends with.
        self._wide: dict[tuple[object, str], list[Route]] = {}
        self._ending: dict[tuple[object, str], list[Route]] = {}
        self.add(routes)

    def add(self, routes: Iterable[Route]) -> None:
        for route in routes:
            self._by_host.setdefault((route.place, route.host), []).append(route)
            if route.host.startswith(_ANY):
                self._wide.setdefault((route.place, route.host[1:]), []).append(route)
            for end in _ends(route.host):
                self._ending.setdefault((route.place, end), []).append(route)

    def meeting(self, own: Sequence[Route]) -> tuple[Route, Route] | None:
        """The first route that meets one of another model, and that one; the same host comes first."""
        looks: tuple[Callable[[Route], Iterable[Route]], ...] = (self._same, self._wider, self._narrower)
        met = ((one, other) for look in looks for one in own for other in look(one))
        return next(((one, other) for one, other in met if one.model != other.model), None)

    def _same(self, route: Route) -> Iterable[Route]:
        return self._by_host.get((route.place, route.host), ())

    def _wider(self, route: Route) -> Iterable[Route]:
        return (each for end in _ends(route.host) for each in self._wide.get((route.place, end), ()))

    def _narrower(self, route: Route) -> Iterable[Route]:
        is_wide = route.host.startswith(_ANY)
        return self._ending.get((route.place, route.host[1:]), ()) if is_wide else ()


def _ends(host: str) -> Iterator[str]:
    """What a host ends with, from each dot on that a `*` of another one may stand before.

    `*.` takes any number of labels: https://gateway-api.sigs.k8s.io/reference/spec/#hostname
    """
    labels = host.removeprefix(_ANY).split(".")
    first = 0 if host.startswith(_ANY) else 1
    own = host[1:] if host.startswith(_ANY) else ""
    return (end for place in range(first, len(labels)) if (end := "." + ".".join(labels[place:])) != own)


def _reported(one: Route, other: Route) -> Finding:
    if one.host == other.host:
        message = f"`{one.host}` is also the host of `{other.model}`: {_both(one, other)}"
        return _finding(one, other, message, "give each model its own host", Severity.ERROR)
    exact, wide = (one, other) if one.host.endswith(other.host[1:]) else (other, one)
    message = (
        f"requests to `{exact.host.removeprefix(_ANY)}` go to `{exact.model}`, although the route of "
        f"`{wide.model}` has `{wide.host}`"
    )
    hint = "give both an exact host, or accept it with a waiver in aimass.yaml"
    return _finding(one, other, message, hint, Severity.WARNING)


def _finding(one: Route, other: Route, message: str, hint: str, severity: Severity) -> Finding:
    note = Related(other.path, f"the route of `{other.model}`", file=other.file)
    return Finding("AM455", one.path, message, help=hint, severity=severity, related=(note,), file=one.file)


def _both(one: Route, other: Route) -> str:
    if one.environment == other.environment:
        return f"in {one.environment}, callers of one would get predictions of the other"
    return f"callers of one in {one.environment} would get predictions of the other in {other.environment}"


def _server(settings: Settings, environment: str) -> str | None:
    found = settings.environments.get(environment)
    return found.server if found else None


def met(
    project: Project,
    settings: Settings,
    routes: Sequence[Route],
    compiled: Iterable[FilePath],
    lower: Lower,
    memory: Memory | None = None,
) -> Met:
    """The models that share a host with another one of the project, as far as nobody accepts it.

    `routes` are of the specs that are `compiled`; without a route no other spec is looked at.
    """
    if not routes:
        return Met([], {})
    own = {path.resolve() for path in compiled}
    others = [path for path in project.specs() if path.resolve() not in own]
    known = recall(str(project.root)) if memory is None else memory
    settled = known.settled([path.name for path in others])
    theirs = (
        _settled(project, path, settings) if path.name in settled else _read(project, path, settings, lower)
        for path in others
    )
    found = findings(routes, [route for each in theirs for route in each])
    left = remaining(list(found), None, settings, conventions.SETTINGS_FILE)
    return Met(left, _documents(project, left))


def _documents(project: Project, left: Iterable[Finding]) -> dict[str, Document]:
    """The specs of each pair, read again: mostly there is none."""
    named = {file for finding in left for file in (finding.file, *(note.file for note in finding.related))}
    paths = {project.shown(path): path for path in project.specs()} if named else {}
    return {file: read_document(paths[file], file)[0] for file in sorted(named & paths.keys())}


def _settled(project: Project, path: FilePath, settings: Settings) -> tuple[Route, ...]:
    content = (project.generated / path.stem / conventions.PIPELINE_FILE).read_bytes()
    return routes_in(json.loads(content), project.shown(path), settings)


def _read(project: Project, path: FilePath, settings: Settings, lower: Lower) -> tuple[Route, ...]:
    file = project.shown(path)
    pipeline = lower(read_document(path, file), settings)[1]
    return () if pipeline is None else routes({file: pipeline})
