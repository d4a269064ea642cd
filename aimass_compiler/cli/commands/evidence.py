"""Fetch what lies beside a version's images, and hold it against the record.

These are its bill of materials, that of its image, the signature of its package and the signed statement of
what its record says. Each is written to a folder, by default artifacts/MODEL/evidence/VERSION, whatever is
against it. With --env it is held against what that environment asks for: by whom it must be signed, and what
must be there. Nothing is promoted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project
    from aimass_compiler.releases.version_record import VersionRecord

EXIT_CODES = (ExitCode.DISK, ExitCode.NOT_PROMOTABLE, ExitCode.REGISTRY)
EXAMPLES = """
  aimass evidence churn                   what lies beside the newest version
  aimass evidence churn --version v17 --env prod      and whether it is what prod asks for
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    parser.add_argument(
        "--version", default="", metavar="VERSION", help="its name or number (default: the newest)"
    )
    parser.add_argument("--env", default="", metavar="ENV", help="what this environment asks for")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the documents go")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch and verify; answers an ExitCode."""
    project = project_of(arguments)
    arguments.model = changes.known_model(project, arguments.model)
    settings = changes.sound_settings(project)
    if arguments.env:
        changes.known_environment(settings, arguments.env)
    return changes.guarded(lambda: _told(arguments, project, settings))


def _told(arguments: argparse.Namespace, project: Project, settings: Settings) -> int:
    from aimass_compiler.delivery import version_evidence
    from aimass_compiler.delivery.candidate import NoVersion, named_version
    from aimass_compiler.pipeline.settings import EnvironmentSettings
    from aimass_compiler.releases.version_record import versions_of

    records = versions_of(project.root, arguments.model)
    if not records:
        raise NoVersion(
            f"`{arguments.model}` has no version yet", f"`aimass publish {arguments.model}` makes one"
        )
    record = named_version(records, arguments.version) if arguments.version else records[-1]
    try:
        _write(arguments, project, settings, record)
    except OSError as error:
        terminal.error(f"{error.filename}: {error.strerror}")
        return ExitCode.DISK
    wanted = settings.environments[arguments.env] if arguments.env else EnvironmentSettings.default()
    home = settings.images.registry
    found = [*version_evidence.objections(project.root, record, wanted, home)]
    for each in found:
        terminal.error(each.text, each.help)
    return ExitCode.NOT_PROMOTABLE if found else ExitCode.DONE


def _write(
    arguments: argparse.Namespace, project: Project, settings: Settings, record: VersionRecord
) -> None:
    from aimass_compiler.delivery.referrers import KINDS, NoDocument
    from aimass_compiler.delivery.version_evidence import document_of

    place = project.root / conventions.ARTIFACTS_FOLDER / record.model / "evidence" / record.name
    folder = arguments.output or place
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        digest = getattr(record.evidence, kind.name)
        try:
            content = document_of(project.root, record, kind, settings.images.registry) if digest else b""
        except NoDocument:  # what is against it follows
            continue
        if content:
            path = folder / f"{kind.name}.json"
            path.write_bytes(content)
            print(f"{project.shown(path)}: {kind.shown}, {digest}")
