"""Two models that share a host, which no spec shows by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler import model_path
from aimass_compiler.checks._failed_parts import is_failed
from aimass_compiler.conventions import SPECS_FOLDER
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.settings import Settings

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
_NEEDED = ("metadata.name", "serving.gateway", "environments", "settings")
_ANY = "*."


class Route(Struct, frozen=True):
    """The route to one model in one environment, and where in its spec it is written."""

    model: str
    file: str
    environment: str
    place: tuple[str | None, str, str]
    """The cluster, as far as it is written, and the gateway."""
    host: str
    path: Path


def routes(file: str, pipeline: Pipeline, failed: frozenset[str] = frozenset()) -> tuple[Route, ...]:
    """The routes of a model; none where a part that they follow from `failed`."""
    if any(is_failed(part, failed) for part in _NEEDED):
        return ()
    return tuple(
        Route(
            pipeline.path,
            file,
            name,
            (_server(pipeline.settings, name), gateway.namespace, gateway.name),
            gateway.host,
            (*place_in(pipeline, name, "serving.gateway"), "host"),
        )
        for name, environment in pipeline.environments.items()
        if (gateway := environment.serving.gateway) is not None
    )


def routes_in(pipeline: Mapping[str, Any], file: str, settings: Settings) -> tuple[Route, ...]:
    """The same of a model's pipeline.json, which is what the spec says."""
    return tuple(
        Route(
            model_path.path_of(pipeline.get("team", ""), pipeline["metadata"]["name"]),
            file,
            name,
            (_server(settings, name), gateway["namespace"], gateway["name"]),
            gateway["host"],
            ("serving", "gateway", "host"),
        )
        for name, environment in pipeline["environments"].items()
        if (gateway := environment["serving"]["gateway"]) is not None
    )


def routes_of(
    specs: Mapping[str, FilePath],
    known: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    compiled: Callable[[FilePath], Iterable[Route]],
) -> Iterator[Route]:
    """The routes of specs by their files: of those that are `known`, by their paths in specs/, from their
    pipeline.json."""
    for file, path in specs.items():
        pipeline = known.get(file.removeprefix(f"{SPECS_FOLDER}/"))
        yield from compiled(path) if pipeline is None else routes_in(pipeline, file, settings)


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
        pairs = ((one, other) for look in looks for one in own for other in look(one))
        return next(((one, other) for one, other in pairs if one.model != other.model), None)

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
