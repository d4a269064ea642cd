"""Show what runs where: version, servers, health, age, and the commit that was applied.

Looks at the inventory that `aimass apply` keeps of each model, and at its workload. For what is not
healthy it says why, from conditions, pods and events. `in git` says whether what was applied is what
git has; what was changed by hand since is told by `aimass drift`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of
from aimass_compiler.conventions import ExitCode
from aimass_compiler.diagnostics import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimass_compiler.cli.views.statuses import Place
    from aimass_compiler.cluster.running import Project as Known
    from aimass_compiler.project import Project

PLACE = 22
EXAMPLES = """
  aimass status                              every environment, in the cluster of the current context
  aimass status churn --env prod --context prod
  aimass status --format json                for a page, or a program
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all)")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="ENV",
        help="the environment, such as dev; may be repeated (default: all of the project)",
    )
    clusters.add_cluster(parser)
    clusters.add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look; answers an ExitCode: that of the first environment or model that cannot be looked at."""
    project = project_of(arguments)
    clusters.hold_to_merged(project)
    # Who names an environment knows which cluster the context is of.
    servers = dict.fromkeys(arguments.env) or clusters.servers_of(project)
    found = _chosen(_looked(arguments, project, servers), arguments.models)
    sys.stdout.write(_shown(found, arguments.format))
    failures = [(place.environment, failure) for place in found for failure in place.failures]
    failed: dict[tuple[str, str], list[str]] = {}
    for name, failure in failures:
        failed.setdefault((str(failure), failure.help), []).append(name)
    for (told, hint), names in failed.items():
        terminal.complain(f"{', '.join(names)}: {told}", hint)
    return failures[0][1].exit_code if failures else ExitCode.DONE


def _looked(
    arguments: argparse.Namespace, project: Project, servers: Mapping[str, str | None]
) -> list[Place]:
    from concurrent.futures import ThreadPoolExecutor

    from aimass_compiler.cli.views.statuses import Place
    from aimass_compiler.cluster import owned
    from aimass_compiler.cluster.connection import connect
    from aimass_compiler.cluster.failures import ClusterError
    from aimass_compiler.cluster.running import running
    from aimass_compiler.cluster.transport import AT_ONCE

    spaces = {name: clusters.namespace_of(project, name) for name in servers}
    try:
        connection = connect(arguments.kubeconfig, arguments.context, clusters.tell)
        connection.look_around()
    except ClusterError as error:
        return [Place(name, space, failure=error) for name, space in spaces.items()]
    changed, places = _changed(project), []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, space in spaces.items():
            try:
                _hold_to_cluster(servers[name], connection.address, name)
                known = _known(project, name, changed)
                found = running(connection, name, space, known, pool)
                clusters.tell_of_orphans(owned.elsewhere(connection, name, space, known.source))
            except ClusterError as error:
                places.append(Place(name, space, connection.address, failure=error))
                continue
            places.append(Place(name, space, connection.address, connection.now(), tuple(found)))
    return places


def _chosen(places: list[Place], models: list[str]) -> list[Place]:
    """The places with these models only. Raises Unknown for one that is nowhere, where all could be seen."""
    if not models:
        return places
    known = {each.model for place in places for each in place.models}
    unknown = [name for name in models if name not in known]
    if unknown and all(place.failure is None for place in places):
        told = f"there is no model `{unknown[0]}`, neither in git nor in the cluster"
        raise Unknown(told, did_you_mean(unknown[0], known))
    cut = [
        replace(place, models=tuple(each for each in place.models if each.model in models))
        for place in places
    ]
    return [place for place in cut if place.models or place.failure is not None]


def _hold_to_cluster(server: str | None, address: str, environment: str) -> None:
    """Raises ClusterError for an environment that aimass.yaml says lies in another cluster."""
    from aimass_compiler.cluster.failures import ClusterError

    if server and server.rstrip("/") != address.rstrip("/"):
        raise ClusterError(
            f"it lies in the cluster {server}, and this context is of {address}",
            f"`aimass status --env {environment} --context NAME` asks there",
        )


def _known(project: Project, environment: str, changed: Callable[[str, str], frozenset[str] | None]) -> Known:
    from aimass_compiler.cluster import git, running
    from aimass_compiler.cluster.objects import models_of

    models = tuple(models_of(project.generated, environment))
    source = git.source(project.root)
    return running.Project(models, source, lambda commit: changed(commit, environment))


def _changed(project: Project) -> Callable[[str, str], frozenset[str] | None]:
    """Which models' manifests of an environment differ from a commit; git is asked once for each commit."""
    from functools import cache

    from aimass_compiler.cluster import git

    @cache
    def files(commit: str) -> list[str] | None:
        return git.changed_since(commit, project.root, conventions.GENERATED_FOLDER)

    def changed(commit: str, environment: str) -> frozenset[str] | None:
        paths = files(commit)
        if paths is None:
            return None
        parts = [path.split("/") for path in paths]
        own = (["base"], ["overlays", environment])
        return frozenset(path[0] for path in parts if path[1:2] in own or path[1:3] in own)

    return changed


def _shown(found: list[Place], form: str) -> str:
    from aimass_compiler.cli.views import statuses

    if form == "json":
        return statuses.as_json(found)
    return statuses.as_markdown(found) if form == "markdown" else statuses.drawn(found)
