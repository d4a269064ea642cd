"""Record that a packaged model is the one that serves.

Writes releases/MODEL/metrics.json: the version and what it reached. Commit it. From then on the gate
`{metric: …, beats: released}` holds every new model against it.
"""

from __future__ import annotations

import argparse
import json

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of
from aimass_compiler.cli.packages import package_of
from aimass_compiler.conventions import ExitCode

PLACE = 9
EXAMPLES = """
  aimass release churn               after its image was applied to production
  git add releases && git commit     and it is on record
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the record; answers an ExitCode."""
    from aimass_compiler.plan import replace_file

    project = project_of(arguments)
    try:
        package = package_of(project, arguments.model)
    except Unknown as unknown:
        terminal.complain(str(unknown), unknown.help)
        return ExitCode.USAGE
    signature = json.loads((package / conventions.SIGNATURE_FILE).read_text(encoding="utf-8"))
    metrics = json.loads((package.parents[1] / "evaluate" / "metrics.json").read_text(encoding="utf-8"))
    record = {"version": signature["version"], "trained_at": signature["trained_at"], **metrics}
    path = project.root / conventions.RELEASES_FOLDER / signature["model"] / conventions.RELEASE_FILE
    try:
        replace_file(path, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        terminal.complain(f"{project.shown(path)} could not be written: {error.strerror}")
        return ExitCode.DISK
    print(f"wrote {project.shown(path)}: version {signature['version']} is the one to beat; commit it")
    return ExitCode.DONE
