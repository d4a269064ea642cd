"""Bring specs to the version of the language that this compiler reads.

The steps from each version to the next are made in the text, comments kept. Specs that are in this
version already are left alone. Look at the change with --dry-run --diff, and compile afterwards.
"""

from __future__ import annotations

import argparse

from aimass_compiler import conventions
from aimass_compiler.cli.choosing import own_files, project_of
from aimass_compiler.cli.rewriting import Rewritten, declare_rewriting, rewrite
from aimass_compiler.cli.views import findings
from aimass_compiler.conventions import ExitCode

PLACE = 17
EXAMPLES = """
  aimass migrate                     every spec
  aimass migrate --dry-run --diff    show what would change, write nothing
  aimass migrate --check             fail when a spec is in an older version (for CI)
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    declare_rewriting(parser, "a spec's name or path (default: all of specs/)")


def run(arguments: argparse.Namespace) -> int:
    """Migrate; answers an ExitCode."""
    from aimass_compiler.spec.migrations import migrate
    from aimass_compiler.spec.reader import parse
    from aimass_compiler.spec.source_text import bytes_of

    project = project_of(arguments)
    specs, has_settings = own_files(project, arguments.specs)
    if arguments.specs and has_settings:
        print(f"{project.shown(project.settings)}: settings have no versions, and stay as they are")
    rewritten, problems, documents = {}, [], {}
    for path in specs:
        shown = project.shown(path)
        content, found = bytes_of(path, shown)
        text, version, more = migrate(content, shown) if not found else ("", "", [])
        problems += [*found, *more]
        documents[shown], _ = parse(content, shown)
        if not (found or more) and version != conventions.API_VERSION:
            print(f"{shown}: {version} → {conventions.API_VERSION}")
            rewritten[path] = Rewritten(content, text.encode())
    findings.show(problems, documents, "people")
    code = rewrite(arguments, project, rewritten, "run `aimass migrate` and commit the result")
    return ExitCode.FAILED if code == ExitCode.DONE and problems else code
