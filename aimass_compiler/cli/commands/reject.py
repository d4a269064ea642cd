"""Say that a version turned out bad, so that it is promoted nowhere.

Writes versions/MODEL/VERSION.rejected.json with the reason, who says so and when. The record itself stays
as it is. Where the version still runs it is reported, and it runs on: `aimass rollback` ends that.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK, ExitCode.NOT_PROMOTABLE)
EXAMPLES = """
  aimass reject churn --version v18 --reason "scores of new customers are all 0"
  aimass reject churn --version v18 --undo
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    parser.add_argument("--version", required=True, metavar="VERSION", help="its name or number, such as v17")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--reason", type=changes.reason, metavar="REASON", help="what is wrong with it")
    act.add_argument("--undo", action="store_true", help="let it be promoted again")
    changes.add_pull_request(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reject; answers an ExitCode."""
    project = project_of(arguments)
    arguments.model = changes.known_model(project, arguments.model)
    return changes.guarded(lambda: _rejected(arguments, project))


def _rejected(arguments: argparse.Namespace, project: Project) -> int:
    from aimass_compiler.delivery import rejection
    from aimass_compiler.delivery.candidate import named_version
    from aimass_compiler.delivery.proposal import RepositoryChange
    from aimass_compiler.releases import version_record

    root, model = project.root, arguments.model
    record = named_version(version_record.versions_of(root, model), arguments.version)
    known = version_record.rejection_of(root, model, record.name)
    if (known is None) is arguments.undo:
        was = "was not rejected" if known is None else f"was rejected by {known.by} already: {known.reason}"
        terminal.report(f"`{record.name}` {was}")
        return ExitCode.DONE
    files: dict[str, bytes | None] = {rejection.file_of(root, record): None}
    if not arguments.undo:
        files = rejection.rejected(root, record, arguments.reason, datetime.now(UTC))
        for environment in rejection.environments_of(root, record):
            way = f"`aimass rollback {model} --env {environment}` goes back"
            terminal.report(f"note: `{record.name}` still runs in {environment}: {way}")
    act = "accept" if arguments.undo else "reject"
    topic, title = f"{act}-{model}-{record.name}", f"{model}: {act} {version_record.short_name(record.name)}"
    change = RepositoryChange(
        topic=topic, title=title, body=arguments.reason or "", files=files, dated=frozenset(files)
    )
    return changes.carry_out(project, change, pull_request=arguments.pull_request).exit_code
