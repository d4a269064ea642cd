"""Show what runs where: version, servers, health, age, and the commit that was applied.

Looks at the inventory that `aimass apply` keeps of each model, and at its workload. For what is not
healthy it says why, from conditions, pods and events. `in git` says whether what was applied is what
git has; what was changed by hand since is reported by `aimass drift`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, models_called, project_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.kubernetes.status import DeployedEnvironment
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.UNREACHABLE, ExitCode.REFUSED)
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
    add_format(parser)
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
    for (message, hint), names in failed.items():
        terminal.error(f"{', '.join(dict.fromkeys(names))}: {message}", hint)
    return failures[0][1].exit_code if failures else ExitCode.DONE


def _looked(
    arguments: argparse.Namespace, project: Project, servers: Mapping[str, str | None]
) -> list[DeployedEnvironment]:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.kubernetes.status import DeployedEnvironment, look

    namespaces = {name: clusters.namespaces_of(project, name, arguments.models) for name in servers}
    try:
        connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
        connection.discover_kinds()
    except ClusterError as error:
        return [
            DeployedEnvironment(name, namespace, failure=error)
            for name, here in namespaces.items()
            for namespace in sorted(here)
        ]
    found = look(connection, project, namespaces, servers)
    clusters.report_orphans(orphan for each in found for orphan in each.orphans)
    return found


def _chosen(places: list[DeployedEnvironment], models: list[str]) -> list[DeployedEnvironment]:
    """The places with these models only. Raises Unknown for one that is nowhere, where all could be seen."""
    if not models:
        return places
    known = {each.model for place in places for each in place.models}
    models = models_called(models, known)
    unknown = [name for name in models if name not in known]
    if unknown and all(place.failure is None for place in places):
        message = f"there is no model `{unknown[0]}`, neither in git nor in the cluster"
        raise UnknownName(message, did_you_mean(unknown[0], known))
    cut = [
        replace(
            place,
            models=tuple(each for each in place.models if each.model in models),
            jobs=tuple(each for each in place.jobs if each.model in {name_of(name) for name in models}),
        )
        for place in places
    ]
    return [place for place in cut if place.models or place.jobs or place.failure is not None]


def _shown(found: list[DeployedEnvironment], form: str) -> str:
    from aimass_compiler.cli.views import status

    if form == "json":
        return status.as_json(found)
    return status.as_markdown(found) if form == "markdown" else status.drawn(found)
