"""Keep an environment with the version that it has: no promotion until the hold ends.

Writes who holds it, why and until when into the release, as annotations that reach no pod. `aimass promote`
refuses meanwhile, and names who holds it. A rollback is allowed and leaves the hold as it is.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK,)
EXAMPLES = """
  aimass hold churn --env prod --reason "figures of the quarter are being closed" --until 24h
  aimass hold churn --env prod --reason "audit" --until 2026-12-01T00:00Z
  aimass hold churn --env prod --lift
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    changes.add_environment(parser)
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--reason", type=changes.reason, metavar="REASON", help="why it is held")
    act.add_argument("--lift", action="store_true", help="end the hold")
    parser.add_argument(
        "--until",
        type=_until,
        metavar="TIME",
        help="when it ends by itself: 24h or 7d from now, or a time in ISO 8601 (default: once it is lifted)",
    )
    changes.add_pull_request(parser)
    add_root(parser)


def _until(written: str) -> str:
    """An end as people write it, in ISO 8601 and UTC."""
    from aimass_compiler.catalog.quantities import Duration

    now, text = datetime.now(UTC), written.strip()
    try:
        if re.fullmatch(Duration.pattern(), text):
            end = now + timedelta(seconds=Duration(text).seconds)
        else:
            read = datetime.fromisoformat(text)
            end = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        message = f"`{written}` is no time; write 24h, 7d or 2026-12-01T00:00Z"
        raise argparse.ArgumentTypeError(message) from None
    if end <= now:
        raise argparse.ArgumentTypeError(f"`{written}` is over already")
    return end.isoformat(timespec="minutes").replace("+00:00", "Z")


def run(arguments: argparse.Namespace) -> int:
    """Hold, or end a hold; answers an ExitCode."""
    project = project_of(arguments)
    arguments.model = changes.known_model(project, arguments.model)
    return changes.guarded(lambda: _held(arguments, project))


def _held(arguments: argparse.Namespace, project: Project) -> int:
    from aimass_compiler.delivery.promotion import described
    from aimass_compiler.delivery.rejection import who
    from aimass_compiler.delivery.release_change import change_of
    from aimass_compiler.releases import release_file
    from aimass_compiler.releases.release_file import Hold

    model, environment = arguments.model, arguments.environment
    release = release_file.read(project.root, environment, model)
    if release is None:
        raise changes.NotReleased(
            f"nothing of `{model}` is released in {environment}",
            f"`aimass history {model}` shows what runs where",
        )
    if arguments.lift and release.hold is None:
        terminal.report(f"`{model}` is not held in {environment}")
        return ExitCode.DONE
    hold = None if arguments.lift else Hold(who(project.root), arguments.reason, arguments.until or "")
    shown = hold or release.hold
    act = "end the hold of" if hold is None else "hold"
    if shown is not None:
        print(f"{environment}: {act} {model}, by {described(shown)}")
    change = change_of(
        project.root,
        [replace(release, hold=hold)],
        topic=f"{'lift' if hold is None else 'hold'}-{model}-{environment}",
        title=f"{environment}: {act} {model}",
        body="" if hold is None else f"By {described(hold)}",
    )
    return changes.carry_out(project, change, pull_request=arguments.pull_request).exit_code
