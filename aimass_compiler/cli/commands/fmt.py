"""Bring specs into their canonical form.

Two spaces for each level, one between key and value, no more than one empty line. Comments, quotes,
the order of keys and the division into lines stay: nothing is joined, broken or rewritten, and what
the text says is proved to be the same. A text that cannot be read is left alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.rewrite import Rewritten, declare_rewriting, rewrite
from aimass_compiler.cli.selection import own_files, project_of
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.STALE,)
EXAMPLES = """
  aimass fmt                         every spec and aimass.yaml
  aimass fmt churn --dry-run --diff  show what would change, write nothing
  aimass fmt --check                 fail when something is not in canonical form (for CI)
  aimass fmt --stdin-filename specs/churn.yaml < unsaved.yaml
                                     what an editor asks; the answer is on standard output
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    declare_rewriting(parser)
    parser.add_argument(
        "--stdin-filename",
        type=Path,
        metavar="FILE",
        help="format the text on standard input as if it were in this file, to standard output",
    )


def run(arguments: argparse.Namespace) -> int:
    """Format; answers an ExitCode."""
    if arguments.stdin_filename is not None:
        return _format_typed(arguments)
    from aimass_compiler.spec.edits.formatter import formatted
    from aimass_compiler.spec.yaml.document import Document

    project = project_of(arguments)
    specs, has_settings = own_files(project, arguments.specs)
    rewritten, problems, documents = {}, [], {}
    for path in [*specs, *([project.settings] if has_settings else [])]:
        try:
            before = path.read_bytes()
        except OSError as error:
            terminal.error(f"{path} cannot be read: {error.strerror}")
            return ExitCode.FAILED
        after, found = formatted(before, project.shown(path), may_be_empty=path == project.settings)
        rewritten[path] = Rewritten(before, after)
        problems += found
        documents[project.shown(path)] = Document(project.shown(path), before.decode(errors="replace"))
    findings.show(problems, documents, "people")
    code = rewrite(arguments, project, rewritten, "run `aimass fmt` and commit the result", "was formatted")
    return ExitCode.FAILED if code == ExitCode.DONE and problems else code


def _format_typed(arguments: argparse.Namespace) -> int:
    """Format standard input to standard output, unchanged where it cannot be read."""
    from aimass_compiler.spec.edits.formatter import formatted

    is_settings = arguments.stdin_filename.name == conventions.SETTINGS_FILE
    content = sys.stdin.buffer.read(conventions.LARGEST_SPEC_BYTES + 1)
    after, problems = formatted(content, str(arguments.stdin_filename), may_be_empty=is_settings)
    sys.stdout.buffer.write(after)
    sys.stdout.flush()
    findings.show(problems, {}, "people")
    return ExitCode.FAILED if problems else ExitCode.DONE
