"""Print the JSON Schema of what you write.

Editors complete and check with it: begin a spec with
`# yaml-language-server: $schema=../schemas/model.json`, aimass.yaml with settings.json, a team's file with
team.json, and what accepts breaks with accepts.json. Made from the same definitions that the compiler
decodes with.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.STALE,)
EXAMPLES = """
  aimass schema                      of a model's spec
  aimass schema settings             of aimass.yaml
  aimass schema team                 of teams/TEAM.yaml
  aimass schema accepts              of accepts/MODEL.yaml
  aimass schema --write              all of them, into schemas/
  aimass schema --check              fail when schemas/ is not up to date (for CI)
"""
_FILES = {
    "model": conventions.SCHEMA_FILE,
    "settings": conventions.SETTINGS_SCHEMA_FILE,
    "team": conventions.TEAM_SCHEMA_FILE,
    "accepts": conventions.ACCEPTS_SCHEMA_FILE,
}


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "kind",
        nargs="?",
        choices=tuple(_FILES),
        help="whose schema is printed (default: model)",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="write all into schemas/")
    mode.add_argument("--check", action="store_true", help="exit 3 when schemas/ is stale")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print, write or check; answers an ExitCode."""
    from aimass_compiler.atomic_file import replace_file
    from aimass_compiler.language.json_schemas import schemas

    found = schemas()
    if arguments.kind and (arguments.write or arguments.check):
        terminal.error("--write and --check are about all schemas", f"leave `{arguments.kind}` out")
        return ExitCode.USAGE
    if not arguments.write and not arguments.check:
        sys.stdout.write(found[_FILES[arguments.kind or "model"]].decode())
        return ExitCode.DONE
    root = project_of(arguments).root
    stale = [path for path, content in found.items() if _content(root / path) != content]
    if arguments.check and stale:
        terminal.error(f"{', '.join(stale)} is not what the language is now", "run `aimass schema --write`")
        return ExitCode.STALE
    try:
        for path in stale:
            replace_file(root / path, found[path])
            print(f"wrote {path}")
    except OSError as error:
        terminal.error(f"{error.filename} could not be written: {error.strerror}")
        return ExitCode.FAILED
    return ExitCode.DONE


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
