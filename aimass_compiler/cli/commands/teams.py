"""Bring the namespaces of teams to what their files say, as an administrator of the cluster.

Shows what would change in generated/fleet/teams/TEAM/ENV, as the API server answers, field by field; with
--apply it is done: namespaces, quotas, limits, rights, queues, alert routing and the policy of hosts. What
a team's file no longer asks for, such as a right, is deleted. A namespace is never deleted, and no model is
touched. Without --apply it exits 0 when the cluster is as git has it, and 2 when it differs; any other code
says that it could not be determined.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.commands.apply import show
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, project_of
from aimass_compiler.conventions import ExitCode
from aimass_compiler.diagnostics import did_you_mean

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.run import Applied
    from aimass_compiler.project import Project

#: What this command answers by its exit code, so that misuse must have another one.
DIFFERS = 2
IS_DETAILED = True
EXIT_CODES = (ExitCode.CONFLICT, ExitCode.UNREACHABLE, ExitCode.REFUSED)
EXAMPLES = """
  aimass teams --env prod                    what would change for every team: exit 2 when anything would
  aimass teams growth --env dev --apply      make it so for one team
  aimass teams --env prod --apply --force-conflicts
                                             take back what was changed by hand
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("teams", nargs="*", metavar="TEAM", help="a team's name (default: all)")
    clusters.add_environments(parser)
    parser.add_argument("--apply", action="store_true", help="make the changes")
    parser.add_argument(
        "--force-conflicts", action="store_true", help="take over fields that another manager owns"
    )
    clusters.add_cluster(parser)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare or apply; answers 0, 2 or the ExitCode of the first failure."""
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.kubernetes.run import ObjectAction
    from aimass_compiler.programs.kustomize import KustomizeError

    project = project_of(arguments)
    chosen = [*_chosen(project, arguments.teams, arguments.env)]
    found: list[Applied] = []
    try:
        code = show(_noted(_brought(arguments, project, chosen), found), arguments.format)
    except KustomizeError as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    except ClusterError as error:
        return clusters.report_error(error)
    kept = sum(each.count(ObjectAction.UNCHANGED) for each in found)
    differs = sum(len(each.outcomes) for each in found) > kept
    return code or (DIFFERS if differs and not arguments.apply else ExitCode.DONE)


def _noted(results: Iterator[Applied], found: list[Applied]) -> Iterator[Applied]:
    for each in results:
        found.append(each)
        yield each


def _chosen(project: Project, teams: list[str], environments: list[str]) -> Iterator[tuple[str, str]]:
    """Every team in every environment that is meant. Raises UnknownName."""
    from aimass_compiler.kubernetes.team_namespace import teams_of

    for environment in dict.fromkeys(environments):
        known = teams_of(project.generated, environment)
        if not known:
            raise UnknownName(f"no team has anything in {environment}", _way_out(project, environment))
        for team in dict.fromkeys(teams or known):
            if team not in known:
                hint = did_you_mean(team, known) or "compile first: `aimass compile`"
                raise UnknownName(f"there is no team `{team}` for {environment}", hint)
            yield team, environment


def _way_out(project: Project, environment: str) -> str:
    from aimass_compiler.spec.decode.settings_file import read_settings

    settings, _, _ = read_settings(project.settings, project.shown(project.settings))
    if environment not in settings.environments:
        return did_you_mean(environment, settings.environments)
    return "describe one in `teams/NAME.yaml`, and compile"


def _brought(
    arguments: argparse.Namespace, project: Project, chosen: list[tuple[str, str]]
) -> Iterator[Applied]:
    """Each team as it was brought in step, or would be. Raises KustomizeError and ClusterError."""
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.run import ApplyOptions
    from aimass_compiler.kubernetes.team_namespace import bring, folder_of
    from aimass_compiler.programs.kustomize import find

    # Forced, a conflict is an answer like any other: the two values, and who manages the field.
    is_dry_run = not arguments.apply
    options = ApplyOptions(force=arguments.force_conflicts or is_dry_run, is_dry_run=is_dry_run)
    kustomize = find()
    connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
    connection.look_around()
    for team, environment in chosen:
        objects = kustomize.build(folder_of(project.generated, team, environment))
        yield bring(connection, team, environment, objects, options)
