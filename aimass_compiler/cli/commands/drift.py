"""Report where a cluster differs from git, who changed what, and when.

A difference is either not applied yet, because git went on, or somebody changed the cluster: then the
API server's own record says who it was (the field manager), how and when. Objects that were deleted,
and objects that git no longer has, are reported as well. Only what the manifests declare counts: what an
autoscaler or a rollout sets does not. Fields that others added are no drift; --additions shows them.

Exits 0 when the cluster is as git has it, and 2 when it differs. Any other code says that it could not
be determined; usage errors exit with 1.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.selection import add_format, add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.drift import ModelDrift

#: What this command answers by its exit code, so that misuse must have another one.
DIFFERS = 2
IS_DETAILED = True
EXIT_CODES = (ExitCode.CONFLICT, ExitCode.UNREACHABLE, ExitCode.REFUSED)
EXAMPLES = """
  aimass drift --env prod                    every model: exit 2 when the cluster differs
  aimass drift churn --env prod --additions  also what others added to our objects
  aimass drift --env prod --format json      for a scheduled job that notifies someone
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all)")
    clusters.add_environments(parser)
    parser.add_argument(
        "--additions", action="store_true", help="also show fields that others added to our objects"
    )
    clusters.add_cluster(parser)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare; answers 0, 2 or an ExitCode that says why it could not be determined."""
    from aimass_compiler.kubernetes import drift

    try:
        seen = clusters.dry_run(arguments, with_owned=True)
    except clusters.DryRunError as failed:
        return failed.code
    root = project_of(arguments).root
    found = [drift.drift(each.applied, each.owned, each.digest) for each in seen]
    found = [drift.since(each, root) for each in found]
    sys.stdout.write(_shown(found, arguments))
    codes = [clusters.report_error(failure) for each in found for failure in each.applied.failures]
    if codes:
        return codes[0]
    return DIFFERS if any(each.differs for each in found) else ExitCode.DONE


def _shown(found: list[ModelDrift], arguments: argparse.Namespace) -> str:
    from aimass_compiler.cli.views import drift
    from aimass_compiler.cli.views.apply import markdown
    from aimass_compiler.cli.views.changes import as_text

    if arguments.format == "json":
        return drift.drift_document(found)
    shown = [(each.applied, drift.of_drift(each, with_additions=arguments.additions)) for each in found]
    if arguments.format == "markdown":
        return "".join(markdown(applied, change) for applied, change in shown)
    return "".join(as_text(change, terminal.paint_on(sys.stdout)) for _, change in shown)
