"""Fix what can be fixed with certainty.

Makes the changes that findings propose where only one thing can be meant: a misspelt key, a number
in quotes, a tab. Everything else in the file stays as it was laid out, comments included. A change
after which the spec is not better is not made. What is left is reported; nothing is guessed. A change that
may train another model is made only with `--unsafe-fixes`.
"""

from __future__ import annotations

import argparse
import sys

from aimass_compiler.cli.rewrite import Rewritten, declare_rewriting, rewrite
from aimass_compiler.cli.selection import of_organisation, own_files, project_of
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.STALE,)
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
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.spec.edits.fixes import fix

    project = project_of(arguments)
    of_all = of_organisation(project, arguments.specs)
    specs, has_settings = own_files(project, [] if of_all else arguments.specs)
    meant = of_all or [*specs, *([project.settings] if has_settings else [])]
    meant += [] if arguments.specs else project.organisation_files()
    fixed = fix(
        lambda texts: compile_specs(project, specs, upto=Upto.CHECK, texts=texts),
        {project.shown(path): path for path in meant},
        is_unsafe_too=arguments.unsafe_fixes,
    )
    for finding in fixed.made:
        reason = finding.fix.message if finding.fix else ""
        print(safe(f"{finding.file}: {finding.message} → {reason} [{finding.code}]"))
    files = {path: Rewritten(fixed.before[path], after) for path, after in fixed.after.items()}
    sys.stdout.flush()
    code = rewrite(arguments, project, files, "run `aimass fix` and commit the result")
    if arguments.dry_run or arguments.check:  # what is on disk stays as it is
        findings.show(fixed.found.findings, fixed.found.documents, "people")
    else:
        findings.show(fixed.left, fixed.documents, "people")
    return ExitCode.FAILED if code == ExitCode.DONE and has_errors(fixed.left) else code
