"""Tell where a cluster differs from git, who changed what, and when.

A difference is either not applied yet, because git went on, or somebody changed the cluster: then the
API server's own record says who it was (the field manager), how and when. Objects that were deleted,
and objects that git no longer has, are told as well. Only what the manifests declare counts: what an
autoscaler or a rollout sets does not. Fields that others added are no drift; --additions tells them.

Exits 0 when the cluster is as git has it, and 2 when it differs. Any other code says that it could not
be told; the arguments are then to blame with 1.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, looking, terminal
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.cluster.drift import Drift

PLACE = 21
#: What this command answers by its exit code, so that misuse must have another one.
DIFFERS = 2
IS_DETAILED = True
EXAMPLES = """
  aimass drift --env prod                    every model: exit 2 when the cluster differs
  aimass drift churn --env prod --additions  also what others added to our objects
  aimass drift --env prod --format json      for a scheduled job that calls somebody
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all)")
    clusters.add_environments(parser)
    parser.add_argument(
        "--additions", action="store_true", help="also tell fields that others added to our objects"
    )
    clusters.add_cluster(parser)
    clusters.add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare; answers 0, 2 or an ExitCode that says why it could not be told."""
    from aimass_compiler.cluster import drift

    try:
        seen = looking.look(arguments, with_owned=True)
    except looking.Failed as failed:
        return failed.code
    root = project_of(arguments).root
    found = [drift.drift(each.applied, each.owned, each.digest) for each in seen]
    found = [drift.since(each, root) for each in found]
    sys.stdout.write(_shown(found, arguments))
    codes = [clusters.complain(failure) for each in found for failure in each.applied.failures]
    if codes:
        return codes[0]
    return DIFFERS if any(each.differs for each in found) else ExitCode.DONE


def _shown(found: list[Drift], arguments: argparse.Namespace) -> str:
    from aimass_compiler.cli.views import drift_json, drifts

    if arguments.format == "json":
        return drift_json.as_json(found)
    if arguments.format == "markdown":
        return drifts.as_markdown(found, with_additions=arguments.additions)
    is_coloured = terminal.is_coloured(sys.stdout)
    return drifts.drawn(found, with_additions=arguments.additions, is_coloured=is_coloured)
