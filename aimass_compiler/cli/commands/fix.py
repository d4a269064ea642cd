"""Fix what can be fixed with certainty.

Makes the changes that findings propose where only one thing can be meant: a misspelt key, a number
in quotes, a tab. Everything else in the file stays as it was laid out, comments included. A change
after which the spec is not better is not made. What is left is reported; nothing is guessed. A change that
may train another model is made only with `--unsafe-fixes`.
"""

from __future__ import annotations

import argparse
import sys

from aimass_compiler.cli.choosing import own_files, project_of
from aimass_compiler.cli.rewriting import Rewritten, declare_rewriting, rewrite
from aimass_compiler.cli.views import findings
from aimass_compiler.conventions import ExitCode

PLACE = 4
EXAMPLES = """
  aimass fix                         fix every spec and aimass.yaml
  aimass fix churn --dry-run --diff  show what would change, write nothing
  aimass fix --check                 fail when something could be fixed (for CI)
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    declare_rewriting(parser)
    parser.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="make also those after which another model may be trained",
    )


def run(arguments: argparse.Namespace) -> int:
    """Fix; answers an ExitCode."""
    from aimass_compiler.cli.views.cells import safe
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.fixing import fix_specs

    project = project_of(arguments)
    specs, has_settings = own_files(project, arguments.specs)
    fixed = fix_specs(project, specs, has_settings=has_settings, is_unsafe_too=arguments.unsafe_fixes)
    for finding in fixed.made:
        told = finding.fix.message if finding.fix else ""
        print(safe(f"{finding.file}: {finding.message} → {told} [{finding.code}]"))
    files = {path: Rewritten(fixed.before[path], after) for path, after in fixed.after.items()}
    sys.stdout.flush()
    code = rewrite(arguments, project, files, "run `aimass fix` and commit the result")
    if not files or not (arguments.dry_run or arguments.check):  # otherwise the lines are not those on disk
        findings.show(fixed.checked.findings, fixed.checked.documents, "people")
    return ExitCode.FAILED if code == ExitCode.DONE and has_errors(fixed.checked.findings) else code
