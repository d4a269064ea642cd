"""Show every version of a model: what it was made from, what it reached, and where it ran and until when.

Versions are those of versions/MODEL, and where they ran is what the commits of releases/ENV/MODEL say, by
the digests of images, whatever wrote them.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli.selection import add_format, add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.NOT_PROMOTABLE,)
EXAMPLES = """
  aimass history churn                   all versions, the newest first
  aimass history churn --env prod        those that ran in prod
  aimass history churn --version v17     all that is on record of one version
  aimass history churn --format json     for programs
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    parser.add_argument(
        "--env", dest="environment", default="", metavar="ENV", help="only what ran in this environment"
    )
    parser.add_argument(
        "--version", default="", metavar="VERSION", help="only this version, with all that is on record of it"
    )
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it; answers an ExitCode."""
    project = project_of(arguments)
    arguments.model = changes.known_model(project, arguments.model)
    return changes.guarded(lambda: _shown(arguments, project))


def _shown(arguments: argparse.Namespace, project: Project) -> int:
    from msgspec.structs import replace

    from aimass_compiler.cli.views import history as views
    from aimass_compiler.delivery.candidate import named_version
    from aimass_compiler.delivery.lineage import lineage

    found = lineage(project.root, arguments.model, arguments.environment)
    if arguments.version:
        chosen = named_version([each.record for each in found.versions], arguments.version)
        found = replace(found, versions=tuple(each for each in found.versions if each.record is chosen))
    sys.stdout.write(views.drawn(found, arguments.format, is_detailed=bool(arguments.version)))
    return ExitCode.DONE
