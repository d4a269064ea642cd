"""Bring an environment's cluster to what generated/ declares.

Builds generated/MODEL/overlays/ENV with kustomize and applies it server-side, in the order in which
objects need each other. First the server reports what would change, and refuses what it does not take;
only then is anything changed. A field that somebody else manages is a conflict, never overwritten.
What a model declared earlier and no longer does is deleted, and nothing that is not its own. Then it
waits until what serves is ready, and says why it does not get there.

An inventory in the cluster keeps what each model owns. A run that was killed is run again, and two
runs for the same model wait for each other. Without MODEL, models of this repository that git no
longer has are removed, too. A model that failed in one environment does not go on to the next; all
others do. A canary is not waited for once its first step runs.

What `aimass rollback --now` holds back is refused (exit 25) until git has another version.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.engine_environments import require_no_engine_in
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.connection import Connection
    from aimass_compiler.kubernetes.objects import EnvironmentTarget
    from aimass_compiler.kubernetes.run import Applied
    from aimass_compiler.project import Project

EXIT_CODES = (
    ExitCode.CONFLICT,
    ExitCode.NOT_READY,
    ExitCode.UNREACHABLE,
    ExitCode.LOCKED,
    ExitCode.REFUSED,
    ExitCode.HELD,
)
EXAMPLES = """
  aimass apply --env dev                     all models
  aimass apply churn --env dev --env staging  dev first; staging if dev gets ready
  aimass apply --env prod --dry-run=server   what would change, as the cluster answers
  aimass apply --env dev --changed           what git changed since it was applied
  aimass apply --env prod --wait-canary --timeout 90m
                                             until canaries have ended
  aimass apply --env dev --format markdown   for the summary of a workflow's step
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all)")
    clusters.add_environments(parser)
    parser.add_argument(
        "--dry-run",
        nargs="?",
        const="server",
        choices=("server",),
        help="let the API server report what would change, and change nothing",
    )
    parser.add_argument(
        "--no-prune", action="store_true", help="leave what is declared no longer where it is"
    )
    parser.add_argument(
        "--force-conflicts", action="store_true", help="take over fields that another manager owns"
    )
    parser.add_argument(
        "--changed",
        action="store_true",
        help="only models that git changed since the commit that was applied, that are unfinished or held",
    )
    parser.add_argument(
        "--ignore-hold",
        action="store_true",
        help="apply what `aimass rollback --now` holds back, which lifts the hold; for models that are named",
    )
    clusters.add_adopting(parser)
    clusters.add_waiting(parser)
    parser.add_argument(
        "--wait-canary", action="store_true", help="wait until a canary has ended, not only begun"
    )
    clusters.add_cluster(parser)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Apply; answers an ExitCode: that of the first failure."""
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.programs.kustomize import KustomizeError

    if arguments.ignore_hold and not arguments.models:
        raise UnknownName("--ignore-hold is for the models that are named", "name them: `aimass apply MODEL`")
    project = project_of(arguments)
    targets = clusters.targets_of(project, arguments.models, arguments.env)
    if arguments.dry_run is None and not (arguments.adopt and arguments.models):
        merged = "merge it, and the engine applies it; models that are named are taken over by `--adopt`"
        require_no_engine_in(project, arguments.env, merged)
    try:
        return _applied(arguments, project, targets)
    except KustomizeError as error:
        terminal.error(str(error))
        return ExitCode.USAGE
    except ClusterError as error:
        return clusters.report_error(error)


def _applied(arguments: argparse.Namespace, project: Project, targets: list[EnvironmentTarget]) -> int:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.environments import apply_all, open_run, orphans
    from aimass_compiler.kubernetes.objects import building
    from aimass_compiler.kubernetes.run import ApplyOptions

    options = ApplyOptions(
        force=arguments.force_conflicts,
        is_dry_run=arguments.dry_run is not None,
        prunes=not arguments.no_prune,
        waits=not arguments.no_wait and arguments.dry_run is None,
        timeout=arguments.timeout,
        lock_timeout=arguments.lock_timeout,
        adopts=arguments.adopt,
        waits_for_canaries=arguments.wait_canary,
        ignores_holds=arguments.ignore_hold,
    )
    connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
    chosen = _changed(connection, project, targets) if arguments.changed else targets
    with building(project.generated, chosen) as builds:
        connection.discover_kinds()
        with open_run(connection, options, clusters.origin_of(project), terminal.report) as work:
            code = show(apply_all(work, chosen, builds), arguments.format)
            clusters.report_orphans(orphans(work, [each for each in targets if each.is_whole]))
            return code


def _changed(
    connection: Connection, project: Project, targets: list[EnvironmentTarget]
) -> list[EnvironmentTarget]:
    """The targets without what is in the cluster as git has it, which is reported. Raises ClusterError."""
    from aimass_compiler.kubernetes.changed_models import changes_of, to_apply

    changed = changes_of(project)
    chosen, left_alone = [], Counter[str]()
    for target in targets:
        models = to_apply(connection, target, changed)
        current = tuple(each for each in target.models if each not in models)
        left_alone[target.environment] += len(current)
        chosen.append(replace(target, models=models, current=current))
    for environment, count in left_alone.items():
        if count:
            found, them = ("1 model", "it") if count == 1 else (f"{count} models", "them")
            terminal.report(f"{environment}: {found} left alone, as git changed nothing of {them}")
    return chosen


def show(results: Iterable[Applied], form: str) -> int:
    """Show what became of each model; answers the exit code of the first failure."""
    from aimass_compiler.cli.views import apply
    from aimass_compiler.cli.views.changes import as_text

    shown, paint = [], terminal.paint_on(sys.stdout)
    for each in results:
        shown.append(each)
        if form == "people":
            sys.stdout.write(as_text(apply.of_apply(each), paint))
            sys.stdout.flush()
        for failure in each.failures:
            clusters.report_error(failure)
    if form == "json":
        sys.stdout.write(apply.apply_document(shown))
    if form == "markdown":
        sys.stdout.write("".join(map(apply.apply_markdown, shown)))
    return next((each.exit_code for each in shown if each.failures), ExitCode.DONE)
