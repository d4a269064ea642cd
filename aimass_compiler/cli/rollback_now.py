"""`aimass rollback --now`: the cluster goes back before git says so."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.engine_environments import by_hand, engine_in, require_no_engine_in
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.rollback import RolledBack
    from aimass_compiler.project import Project
    from aimass_compiler.releases.release_file import Release

EXIT_CODES = (ExitCode.CONFLICT, ExitCode.NOT_READY, ExitCode.UNREACHABLE, ExitCode.REFUSED)


def add_now(parser: argparse.ArgumentParser) -> None:
    """The options of a rollback at once."""
    parser.add_argument(
        "--now",
        action="store_true",
        help="let the cluster run it at once, and hold back what runs there; then open the pull request",
    )
    clusters.add_timeout(parser, "5m", "how long --now waits until all pods run it")
    clusters.add_cluster(parser)


def roll_back_now(arguments: argparse.Namespace, project: Project) -> RolledBack:
    """Let all pods run what ran before: as the cluster has it, or as git has a version that is named.

    Raises ClusterError, and what `rollback_target` raises.
    """
    from aimass_compiler.delivery.rollback_target import rollback_target
    from aimass_compiler.kubernetes.rollback import NothingBefore

    environment = arguments.environment
    if engine_in(project, environment):
        hint = by_hand(project, arguments.model, environment)
        require_no_engine_in(project, [environment], hint)

    def in_git() -> Release:
        return rollback_target(project.root, arguments.model, arguments.environment, arguments.version).target

    try:
        done = _rolled_back(arguments, project, in_git() if arguments.version else None)
    except NothingBefore:
        done = _rolled_back(arguments, project, in_git())
    where = f"{done.model} in {done.environment}"
    after = f"after {done.seconds:.0f} s"
    if done.pods:
        print(f"{where}: `{done.release.version}` runs in all {done.pods} pods {after}")
    else:
        print(f"{where}: `{done.release.version}` is what its shared servers are to run {after}")
    return done


def _rolled_back(arguments: argparse.Namespace, project: Project, to: Release | None) -> RolledBack:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.rollback import Rollback, roll_back

    environment = arguments.environment
    namespace = clusters.namespace_of(project, environment, arguments.model)
    wanted = Rollback(arguments.model, environment, namespace, arguments.reject or "", arguments.timeout, to)
    connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
    return roll_back(connection, wanted, terminal.report)
