"""Check specs and write nothing.

Finds everything that compiling finds in a spec, without rendering files for it, and conflict markers
that a merge left in what belongs to it; and waivers of policies that have ended. What all models ask
for together, such as budgets and quotas of teams and room in shared servers, compiling finds. For editors,
`--stdin-filename` takes the text from standard input and treats it as if it were in that file, so
that what is typed is checked before it is saved. Columns count characters (code points).
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import OWN_FILES, add_root, of_organisation, own_files, project_of
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode

EXAMPLES = """
  aimass check                       check every spec and aimass.yaml
  aimass check churn --format sarif  for code scanning
  aimass check --stdin-filename specs/churn.yaml --format json < unsaved.yaml
                                     what an editor asks
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=OWN_FILES)
    parser.add_argument(
        "--stdin-filename",
        type=Path,
        metavar="FILE",
        help="check the text on standard input as if it were in this file; other files are as on disk",
    )
    parser.add_argument("--format", choices=findings.FORMATS, default="people", help="how findings are shown")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check; answers an ExitCode."""
    from aimass_compiler.checks import model_names
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.impact.consistency import conflicts
    from aimass_compiler.releases import record_check
    from aimass_compiler.spec.decode import policy_files

    if arguments.stdin_filename is not None:
        if arguments.specs:
            terminal.error("--stdin-filename names the one file to check", "leave SPEC out")
            return ExitCode.USAGE
        return _check_typed(arguments)
    project = project_of(arguments)
    specs, _ = own_files(project, [] if of_organisation(project, arguments.specs) else arguments.specs)
    checked = compile_specs(project, specs, upto=Upto.CHECK)
    beside = [*conflicts(project.root, sorted(map(project.model_of, specs)))]
    beside += policy_files.ended(checked.organisation.policies, datetime.now(UTC).date())
    if not arguments.specs:
        beside += [*model_names.unread(project.strays()), *record_check.findings(project.root)]
    findings.show([*checked.findings, *beside], checked.documents, arguments.format)
    if not (checked.findings or beside) and arguments.format == "people":
        shown = [project.shown(path) for path in specs] or [conventions.SETTINGS_FILE]
        print(f"{shown[0]} is fine" if len(shown) == 1 else f"{len(shown)} specs are fine")
    return ExitCode.FAILED if has_errors([*checked.findings, *beside]) else ExitCode.DONE


def _check_typed(arguments: argparse.Namespace) -> int:
    """Check the text on standard input; reported is what is wrong with this file, and not with others."""
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.project import Project

    path = arguments.stdin_filename.absolute()
    project = project_of(arguments) if arguments.root else Project.around(path.parent)
    is_settings = path.resolve() == project.settings.resolve()
    folders = [project.root / folder for folder in conventions.ORGANISATION_FOLDERS]
    is_of_all = is_settings or any(path.resolve().is_relative_to(folder) for folder in folders)
    content = sys.stdin.buffer.read(conventions.LARGEST_SPEC_BYTES + 1)
    texts = {project.settings if is_settings else path: content}
    checked = compile_specs(project, project.specs() if is_of_all else [path], upto=Upto.CHECK, texts=texts)
    shown = project.shown(path)
    found = [finding for finding in checked.findings if finding.file == shown]
    findings.show(found, checked.documents, arguments.format)
    return ExitCode.FAILED if has_errors(found) else ExitCode.DONE
