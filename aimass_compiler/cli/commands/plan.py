"""Show what compiling would change, and which stages run again.

Compares what the specs compile to with generated/ and writes nothing. For each model it shows the
values that differ, the stages that have to run again because they read them, and the files.

With --against it compares with generated/ as it is somewhere else: at a git revision, such as the
branch that a pull request is for, or in another folder.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of, specs_of
from aimass_compiler.cli.starting_point import starting_point
from aimass_compiler.cli.views import changes, findings
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.plan import Files, Plan
    from aimass_compiler.project import Project

PLACE = 3
EXAMPLES = """
  aimass plan                        what would change for every spec
  aimass plan churn --diff           line by line
  aimass plan --against main         what this branch changes
  aimass plan --against HEAD^1 --format markdown
                                     the same of a merged pull request, for its summary
  aimass plan --against ../before    what differs from another checkout
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "specs", nargs="*", metavar="SPEC", help="a spec's name or path (default: all of specs/)"
    )
    parser.add_argument(
        "--against",
        metavar="REVISION",
        help="compare with generated/ at a git revision, or in another folder (default: as it is on disk)",
    )
    parser.add_argument("--diff", action="store_true", help="show the changes line by line")
    parser.add_argument(
        "--format", choices=("people", "json", "markdown"), default="people", help="how it is shown"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan; answers an ExitCode."""
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors

    project = project_of(arguments)
    try:
        compiled = compile_specs(project, specs_of(project, arguments.specs))
        if has_errors(compiled.findings):
            findings.show(compiled.findings, compiled.documents, "people")
            return ExitCode.FAILED
        plan = _plan(arguments, project, compiled.files)
    except Unknown as unknown:
        terminal.complain(str(unknown), unknown.help)
        return ExitCode.USAGE
    findings.show([*compiled.findings, *plan.findings], compiled.documents, "people")
    if arguments.format == "json":
        sys.stdout.write(changes.as_json(plan, against=arguments.against))
    elif arguments.format == "markdown":
        sys.stdout.write(changes.as_markdown(plan, against=arguments.against, with_diff=arguments.diff))
    else:
        sys.stdout.write(changes.drawn(plan, is_written=False, with_diff=arguments.diff))
    return ExitCode.FAILED if has_errors(plan.findings) else ExitCode.DONE


def _plan(arguments: argparse.Namespace, project: Project, files: Files) -> Plan:
    """The plan from generated/ on disk, or from elsewhere, where an edit by hand is nothing to protect."""
    from aimass_compiler.plan import compare, snapshot

    prune_models = not arguments.specs
    if arguments.against is None:
        return compare(files, snapshot(project.generated, files), prune_models=prune_models)
    seen = starting_point(project, arguments.against, files)
    return compare(files, seen, prune_models=prune_models, force=True)
