"""Bring an environment's cluster to what generated/ declares.

Builds generated/MODEL/overlays/ENV with kustomize and applies it server-side, in the order in which
objects need each other. First the server tells what would change, and refuses what it does not take;
only then is anything changed. A field that somebody else manages is a conflict, never overwritten.
What a model declared earlier and no longer does is deleted, and nothing that is not its own. Then it
waits until what serves is ready, and says why it does not get there.

An inventory in the cluster keeps what each model owns. A run that was killed is run again, and two
runs for the same model wait for each other. Without MODEL, models of this repository that git no
longer has are removed, too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.cluster.environments import Target
    from aimass_compiler.cluster.outcomes import Applied
    from aimass_compiler.project import Project

PLACE = 18
EXAMPLES = """
  aimass apply --env dev                     all models
  aimass apply churn --env dev --env staging  dev first; staging if dev gets ready
  aimass apply --env prod --dry-run=server   what would change, as the cluster answers
  aimass apply --env prod --timeout 40m      where a canary takes its time
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
        help="let the server tell what would change, and change nothing",
    )
    parser.add_argument(
        "--no-prune", action="store_true", help="leave what is declared no longer where it is"
    )
    parser.add_argument(
        "--force-conflicts", action="store_true", help="take over fields that somebody else manages"
    )
    clusters.add_adopting(parser)
    clusters.add_waiting(parser)
    clusters.add_cluster(parser)
    clusters.add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Apply; answers an ExitCode: that of the first failure."""
    from aimass_compiler.cluster.failures import ClusterError
    from aimass_compiler.cluster.kustomize import KustomizeError

    project = project_of(arguments)
    targets = clusters.targets_of(project, arguments.models, arguments.env)
    try:
        return _applied(arguments, project, targets)
    except KustomizeError as error:
        terminal.complain(str(error))
        return ExitCode.USAGE
    except ClusterError as error:
        return clusters.complain(error)


def _applied(arguments: argparse.Namespace, project: Project, targets: list[Target]) -> int:
    from aimass_compiler.cluster import environments
    from aimass_compiler.cluster.applying import Wish
    from aimass_compiler.cluster.connection import connect

    wish = Wish(
        force=arguments.force_conflicts,
        is_dry_run=arguments.dry_run is not None,
        prunes=not arguments.no_prune,
        waits=not arguments.no_wait and arguments.dry_run is None,
        timeout=arguments.timeout,
        lock_timeout=arguments.lock_timeout,
        adopts=arguments.adopt,
    )
    with environments.building(project.generated, targets) as builds:
        connection = connect(arguments.kubeconfig, arguments.context, clusters.tell)
        connection.look_around()
        with environments.working(connection, wish, clusters.origin_of(project), clusters.tell) as work:
            code = show(environments.bring(work, targets, builds), arguments.format)
            clusters.tell_of_orphans(environments.orphans(work, [each for each in targets if each.is_whole]))
            return code


def show(results: Iterable[Applied], form: str) -> int:
    """Show what became of each model; answers the exit code of the first failure."""
    from aimass_compiler.cli.views import applied, applied_json, applied_markdown

    shown = []
    for each in results:
        shown.append(each)
        if form == "people":
            sys.stdout.write(applied.drawn(each, is_coloured=terminal.is_coloured(sys.stdout)))
            sys.stdout.flush()
        for failure in each.failures:
            clusters.complain(failure)
    if form == "json":
        sys.stdout.write(applied_json.as_json(shown))
    if form == "markdown":
        sys.stdout.write(applied_markdown.as_markdown(shown))
    return next((each.exit_code for each in shown if each.failures), ExitCode.DONE)
