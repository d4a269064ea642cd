"""Bring a cluster to what is made once for all models, as an administrator of it.

Shows what would change in generated/fleet, as the API server answers, field by field; with --apply it is
done: namespaces of teams with their quotas, rights and queues, policies on the API server, shared servers,
and the fleet's alert rules and dashboards. What is no longer declared, such as a right or a policy, is
deleted. A namespace is never deleted, and no model is touched. Without --apply it exits 0 when the cluster
is as git has it, and 2 when it differs; any other code says that it could not be determined.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.commands.apply import show
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, project_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.fleet.applied_folders import AppliedFolder
    from aimass_compiler.kubernetes.run import Applied
    from aimass_compiler.project import Project

#: What this command answers by its exit code, so that misuse must have another one.
DIFFERS = 2
IS_DETAILED = True
EXIT_CODES = (ExitCode.CONFLICT, ExitCode.UNREACHABLE, ExitCode.REFUSED)
EXAMPLES = """
  aimass fleet --env prod                    what would change: exit 2 when anything would
  aimass fleet teams/growth --env dev --apply
                                             make it so for one team
  aimass fleet policies servers --env prod --apply
                                             for all policies, and for all shared servers
  aimass fleet --env prod --apply --force-conflicts
                                             take back what was changed by hand
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="such as teams, teams/growth or policies (default: all)"
    )
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
    chosen = {each: [*_chosen(project, arguments.parts, each)] for each in dict.fromkeys(arguments.env)}
    if not any(chosen.values()):
        terminal.report(f"generated/fleet has nothing for {', '.join(chosen)}")
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


def _chosen(project: Project, parts: list[str], environment: str) -> Iterator[AppliedFolder]:
    """What is meant of an environment. Raises UnknownName."""
    from aimass_compiler.fleet.applied_folders import folders_of

    known = [*folders_of(project.generated, environment)]
    _require_environment(project, environment)
    asked = dict.fromkeys(each.strip("/") for each in parts)
    for part in asked:
        if not any(_is_in(each.name, part) for each in known):
            names = [each.name for each in known]
            hint = did_you_mean(part, names) or "compile first: `aimass compile`"
            raise UnknownName(f"generated/fleet has no `{part}` for {environment}", hint)
    yield from (each for each in known if not asked or any(_is_in(each.name, part) for part in asked))


def _is_in(name: str, part: str) -> bool:
    return f"{name}/".startswith(f"{part}/")


def _require_environment(project: Project, environment: str) -> None:
    from aimass_compiler.spec.decode.settings_file import read_settings

    settings, _, _ = read_settings(project.settings, project.shown(project.settings))
    if environment not in settings.environments:
        hint = did_you_mean(environment, settings.environments)
        raise UnknownName(f"there is no environment `{environment}`", hint)


def _brought(
    arguments: argparse.Namespace, project: Project, chosen: dict[str, list[AppliedFolder]]
) -> Iterator[Applied]:
    """Each part as it was brought in step, or would be. Raises KustomizeError and ClusterError."""
    from aimass_compiler.kubernetes import apply_set
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.run import ApplyOptions
    from aimass_compiler.programs.kustomize import find

    # Forced, a conflict is an answer like any other: the two values, and who manages the field.
    is_dry_run = not arguments.apply
    options = ApplyOptions(force=arguments.force_conflicts or is_dry_run, is_dry_run=is_dry_run)
    kustomize, source = find(), clusters.origin_of(project).source
    connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
    connection.discover_kinds()
    declared: list[apply_set.ApplySet] = []
    for folder in _once(chosen):
        objects = kustomize.build(folder.path)
        members = apply_set.apply_set(folder.name, folder.environment, source, objects)
        declared.append(members)
        yield apply_set.bring(connection, members, objects, options)
    if not arguments.parts:
        for environment in chosen:
            for members in apply_set.forgotten(connection, source, environment, declared):
                yield apply_set.bring(connection, members, (), options)


def _once(chosen: dict[str, list[AppliedFolder]]) -> Iterable[AppliedFolder]:
    """What several environments have in common once."""
    return {each.path: each for folders in chosen.values() for each in folders}.values()
