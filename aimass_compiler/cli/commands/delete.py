"""Remove models from an environment's cluster.

Deletes exactly what the inventory of each model lists, those objects first that need others, and then
the inventory. It also works for a model that git no longer has. Nothing in git changes: what
generated/ still declares comes back with the next `aimass apply`.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.commands.apply import show
from aimass_compiler.cli.engine_environments import require_no_engine_in
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, models_called, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.connection import Connection
    from aimass_compiler.kubernetes.inventory import ClusterInventory
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.CONFLICT, ExitCode.NOT_READY, ExitCode.UNREACHABLE, ExitCode.LOCKED, ExitCode.REFUSED)
EXAMPLES = """
  aimass delete churn --env dev              shows what would go, and asks
  aimass delete churn --env dev --yes        asks nothing
  aimass delete churn --env dev --dry-run    only shows it
  aimass delete churn --env dev --namespace ml-old
                                             what an environment left behind when it moved
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a model's name")
    clusters.add_environments(parser)
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        help="where it was applied, where the environment has another namespace since, or is gone",
    )
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    clusters.add_adopting(parser)
    clusters.add_waiting(parser)
    clusters.add_cluster(parser)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Delete; answers an ExitCode: that of the first failure."""
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.failures import ClusterError

    project = project_of(arguments)
    environments = dict.fromkeys(arguments.env)
    if arguments.namespace is not None and len(environments) > 1:
        raise UnknownName("--namespace is of one environment", "give one --env")
    models = dict.fromkeys(models_called(arguments.models, _known(project)))
    places = [
        (name, model, arguments.namespace or clusters.namespace_of(project, name, model))
        for name in environments
        for model in models
    ]
    if not (arguments.dry_run or arguments.adopt):
        require_no_engine_in(project, environments, "delete its release in git, and the engine removes it")
    try:
        connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
        found = _found(connection, places)
        if not found or not (arguments.yes or arguments.dry_run or _agreed(found)):
            return ExitCode.DONE
        return _deleted(arguments, project, connection, found)
    except ClusterError as error:
        return clusters.report_error(error)


def _known(project: Project) -> set[str]:
    """The models that git has, or had when they were made: others are named by their whole paths."""
    from aimass_compiler.releases.version_record import models_of

    return {*project.models(), *models_of(project.root)}


def _found(connection: Connection, places: list[tuple[str, str, str]]) -> list[ClusterInventory]:
    """The inventories by environment, model and namespace; what has none is reported."""
    from aimass_compiler.kubernetes import inventory as owned

    found = []
    for environment, model, namespace in places:
        inventory = owned.read(connection, namespace, model, environment)
        if inventory is None:
            terminal.report(f"{model} in {environment}: nothing of it is in the namespace `{namespace}`")
        else:
            found.append(inventory)
    return found


def _agreed(found: list[ClusterInventory]) -> bool:
    """Show what would go and ask. Raises Unknown where nobody can be asked."""
    for inventory in found:
        terminal.report(f"{inventory.model} in {inventory.environment} ({inventory.namespace}):")
        for entry in inventory.entries:
            terminal.report(f"  - {entry.key}")
    if not sys.stdin.isatty():
        raise UnknownName("there is no terminal to confirm the deletion", "--yes deletes without asking")
    print("delete all of this? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _deleted(
    arguments: argparse.Namespace, project: Project, connection: Connection, found: list[ClusterInventory]
) -> int:
    from aimass_compiler.kubernetes.environments import open_run
    from aimass_compiler.kubernetes.prune import delete_model
    from aimass_compiler.kubernetes.run import ApplyOptions

    options = ApplyOptions(
        is_dry_run=arguments.dry_run,
        waits=not arguments.no_wait,
        timeout=arguments.timeout,
        lock_timeout=arguments.lock_timeout,
        adopts=arguments.adopt,
    )
    with open_run(connection, options, clusters.origin_of(project), terminal.report) as work:
        return show((delete_model(work, inventory) for inventory in found), arguments.format)
