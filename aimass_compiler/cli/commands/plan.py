"""Show what compiling would change, and which stages run again.

Compares what the specs compile to with generated/ and writes nothing. For each model it shows the
values that differ, the stages that have to run again because they read them, and the files.
"""

from __future__ import annotations

import argparse
import sys

from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of, specs_of
from aimass_compiler.cli.views import changes, findings
from aimass_compiler.conventions import ExitCode

PLACE = 3
EXAMPLES = """
  aimass plan                        what would change for every spec
  aimass plan churn --diff           line by line
  aimass plan --format markdown      for the summary of a pull request
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "specs", nargs="*", metavar="SPEC", help="a spec's name or path (default: all of specs/)"
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
    from aimass_compiler.plan import compare, snapshot

    project = project_of(arguments)
    try:
        specs = specs_of(project, arguments.specs)
    except Unknown as unknown:
        terminal.complain(str(unknown), unknown.help)
        return ExitCode.USAGE
    compiled = compile_specs(project, specs)
    plan = compare(
        compiled.files, snapshot(project.generated, compiled.files), prune_models=not arguments.specs
    )
    if has_errors(compiled.findings):
        findings.show(compiled.findings, compiled.documents, "people")
        return ExitCode.FAILED
    findings.show([*compiled.findings, *plan.findings], compiled.documents, "people")
    if arguments.format == "json":
        sys.stdout.write(changes.as_json(plan))
    elif arguments.format == "markdown":
        sys.stdout.write(changes.as_markdown(plan, with_diff=arguments.diff))
    else:
        sys.stdout.write(changes.drawn(plan, is_written=False, with_diff=arguments.diff))
    return ExitCode.FAILED if plan.findings else ExitCode.DONE
