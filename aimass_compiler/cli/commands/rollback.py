"""Go back to the version that ran in an environment before.

Writes releases/ENV/MODEL/kustomization.yaml as it was for the last version that ran there before, is on
record and was not rejected. Nothing is compiled or trained, and no gate is asked: that version ran there.
During a canary, it goes back to the version that serves beside it. A hold does not stop a rollback, and
stays. A second rollback goes further back, never forward again.

With --now the cluster goes back first, in about the time that its pods take to start: their images and
nothing else change, what ran there is held back from every later `aimass apply`, and the pull request that
makes it true in git is opened. It needs no more than the role of `environments.ENV.oncall`.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, rollback_now, terminal
from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli.selection import add_root, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK, *rollback_now.EXIT_CODES, ExitCode.NOT_PROMOTABLE, ExitCode.REGISTRY)
EXAMPLES = """
  aimass rollback churn --env prod --pull-request   to what ran before, as a pull request
  aimass rollback churn --env prod --now            at 3 a.m.: the cluster first
  aimass rollback churn --env prod --version v16    to a version that ran there once
  aimass rollback churn --env prod --reject "scores of new customers are all 0"
                                                    and the version it goes back from is promoted nowhere
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    changes.add_environment(parser)
    parser.add_argument(
        "--version",
        default="",
        metavar="VERSION",
        help="go back to this one, by name or number (default: the one that ran before)",
    )
    parser.add_argument(
        "--reject",
        type=changes.reason,
        metavar="REASON",
        help="reject the version that it goes back from, so that it is promoted nowhere",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what it goes back to, and change nothing")
    changes.add_pull_request(parser)
    changes.add_offline(parser)
    rollback_now.add_now(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Roll back; answers an ExitCode."""
    project = project_of(arguments)
    arguments.model = changes.known_model(project, arguments.model)
    act = _at_once if arguments.now and not arguments.dry_run else _rolled_back
    return changes.guarded(lambda: act(arguments, project))


def _at_once(arguments: argparse.Namespace, project: Project) -> int:
    """The cluster, then git: what fails there takes nothing back."""
    from aimass_compiler.kubernetes.failures import ClusterError

    try:
        done = rollback_now.roll_back_now(arguments, project)
    except ClusterError as error:
        code = clusters.report_error(error)
        terminal.report(
            f"note: in git alone, without the cluster: `aimass rollback {arguments.model} "
            f"--env {arguments.environment} --pull-request`"
        )
        return code
    proposed = {"version": done.release.version, "offline": True, "pull_request": True}
    then = argparse.Namespace(**{**vars(arguments), **proposed})
    code = changes.guarded(lambda: _rolled_back(then, project))
    if code != ExitCode.DONE:
        where = f"{done.model} --env {done.environment} --version {done.release.version}"
        terminal.report(
            "note: the cluster has gone back, and git does not say so yet: in an up-to-date checkout "
            f"`aimass rollback {where} --pull-request` proposes it"
        )
    return code


def _rolled_back(arguments: argparse.Namespace, project: Project) -> int:
    from aimass_compiler.delivery import image_evidence
    from aimass_compiler.delivery.promotion import described
    from aimass_compiler.delivery.release_change import rollback_change
    from aimass_compiler.delivery.rollback_target import NoRollbackTarget, rollback_target
    from aimass_compiler.spec.decode.settings_file import read_settings

    found = rollback_target(project.root, arguments.model, arguments.environment, arguments.version)
    if arguments.reject and found.source is None:
        message = f"{found.current.digest} is no version on record, so that it cannot be rejected"
        raise NoRollbackTarget(message, "leave out `--reject`")
    source = found.source.name if found.source else found.current.digest
    print(f"{arguments.model} in {arguments.environment}: {source} → {found.record.name}")
    if found.current.hold is not None:
        terminal.report(
            f"note: {arguments.environment} is held by {described(found.current.hold)}; it stays so"
        )
    if not arguments.offline:
        settings, _, _ = read_settings(project.settings, project.shown(project.settings))
        for each in image_evidence.missing(found.target.images, settings):
            raise NoRollbackTarget(each.text, "name another version that ran there: `--version`")
    if arguments.dry_run:
        return ExitCode.DONE
    change = rollback_change(project.root, found, arguments.reject or "", datetime.now(UTC))
    return changes.carry_out(project, change, pull_request=arguments.pull_request).exit_code
