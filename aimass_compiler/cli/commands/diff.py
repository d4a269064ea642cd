"""Show what applying would change in a cluster, field by field.

The API server answers what it would make of generated/MODEL/overlays/ENV, its defaults and admission
included, and that is compared with what is there. Nothing is changed. Each field is shown with its
value in the cluster, the one that git declares, and who else manages it: `aimass apply` would not
overwrite that without --force-conflicts. Values of Secrets are never shown.

With --detailed-exitcode, as `aimass plan` has it: 0 nothing differs, 2 something does, 1 it failed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.selection import add_format, add_root
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.drift import ModelDiff

#: Of --detailed-exitcode alone: what a program of ours exits with otherwise is an ExitCode.
DIFFERS = 2
EXIT_CODES = (ExitCode.CONFLICT, ExitCode.UNREACHABLE, ExitCode.REFUSED)
EXAMPLES = """
  aimass diff --env dev                      what `aimass apply --env dev` would change
  aimass diff churn --env staging --env prod
  aimass diff --env prod --detailed-exitcode
                                             exit 2 when something differs
  aimass diff --env prod --format markdown   for a comment, or the summary of a workflow's step
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all)")
    clusters.add_environments(parser)
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 0 when nothing differs, 2 when something does, 1 when it failed",
    )
    clusters.add_cluster(parser)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare; answers an ExitCode, or as --detailed-exitcode says."""
    from aimass_compiler.kubernetes.drift import difference

    try:
        found = [difference(seen.applied) for seen in clusters.dry_run(arguments)]
    except clusters.DryRunError as failed:
        return ExitCode.FAILED if arguments.detailed_exitcode else failed.code
    sys.stdout.write(_shown(found, arguments.format))
    failures = [failure for each in found for failure in each.applied.failures]
    codes = [clusters.report_error(failure) for failure in failures]
    if not arguments.detailed_exitcode:
        return codes[0] if codes else ExitCode.DONE
    if codes:
        return ExitCode.FAILED
    return DIFFERS if any(each.differs for each in found) else ExitCode.DONE


def _shown(found: list[ModelDiff], form: str) -> str:
    from aimass_compiler.cli.views import apply
    from aimass_compiler.cli.views.changes import as_text

    if form == "json":
        return apply.diff_document(found)
    shown = [(each.applied, apply.of_diff(each)) for each in found]
    if form == "markdown":
        return "".join(apply.markdown(applied, change) for applied, change in shown)
    return "".join(as_text(change, terminal.paint_on(sys.stdout)) for _, change in shown)
