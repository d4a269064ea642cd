"""How commands change what is released: files of the working tree, or a pull request."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, model_called
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.diagnostics import did_you_mean, has_errors
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.delivery.proposal import RepositoryChange
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project


class UnsoundSettings(UnknownName):
    """The settings have errors, so that nothing is decided by them."""

    exit_code = ExitCode.FAILED


class NotReleased(UnknownName):
    """A model is not released in an environment."""

    exit_code = ExitCode.FAILED


def add_model(parser: argparse.ArgumentParser) -> None:
    """The argument that names one model."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")


def add_environment(parser: argparse.ArgumentParser, option: str = "--env") -> None:
    """The option that names one environment."""
    parser.add_argument(
        option, dest="environment", required=True, metavar="ENV", help="the environment, such as prod"
    )


def add_pull_request(parser: argparse.ArgumentParser) -> None:
    """The option that asks for a pull request instead of a change of the working tree."""
    parser.add_argument(
        "--pull-request",
        action="store_true",
        help="leave the working tree as it is; commit on a new branch, push it and open a pull request",
    )


def add_offline(parser: argparse.ArgumentParser) -> None:
    """The option that leaves out what only the registry knows."""
    parser.add_argument(
        "--offline", action="store_true", help="do not ask the registry whether it has the images"
    )


def reason(written: str) -> str:
    """A reason in one line, as it reaches annotations, pull requests and terminals."""
    line = " ".join("".join(each if each.isprintable() else " " for each in written).split())
    if not line:
        raise argparse.ArgumentTypeError("a reason says something")
    return line


def known_model(project: Project, model: str) -> str:
    """The model that is called so, by its path.

    Raises UnknownName where there is neither a spec nor a version of it, or where several are called so.
    """
    from aimass_compiler.releases.version_record import models_of

    known = {*project.models(), *models_of(project.root)}
    model = model_called(model, known)
    if model not in known:
        raise UnknownName(f"there is no model `{model}`", did_you_mean(model, known))
    return model


def known_environment(settings: Settings, environment: str) -> str:
    """The environment's name. Raises UnknownName for one that the settings do not have."""
    if environment not in settings.environments:
        hint = did_you_mean(environment, settings.environments)
        raise UnknownName(f"{conventions.SETTINGS_FILE} has no environment `{environment}`", hint)
    return environment


def sound_settings(project: Project) -> Settings:
    """The settings. Raises UnsoundSettings where they have errors: defaults would drop rules."""
    from aimass_compiler.spec.decode.settings_file import read_settings

    settings, _, found = read_settings(project.settings, project.shown(project.settings))
    if has_errors(found):
        first = next(each for each in found if each.is_error)
        message = f"{conventions.SETTINGS_FILE} has errors: {first.message}"
        raise UnsoundSettings(message, "`aimass check` shows where")
    return settings


def guarded(act: Callable[[], int]) -> int:
    """What a command answers; what it stumbles over is reported, with the exit code that it has."""
    from aimass_compiler.delivery.candidate import NoVersion
    from aimass_compiler.delivery.proposal import ProposalFailed
    from aimass_compiler.delivery.rollback_target import NoRollbackTarget
    from aimass_compiler.programs.cosign import CosignError
    from aimass_compiler.programs.git import GitError
    from aimass_compiler.programs.registry import RegistryError
    from aimass_compiler.releases.accepted_breaks import DamagedAcceptance
    from aimass_compiler.releases.release_file import DamagedRelease
    from aimass_compiler.releases.served_model import NotCompiled
    from aimass_compiler.releases.version_record import AmbiguousVersion, DamagedRecord

    try:
        return act()
    except RegistryError as error:
        terminal.error(str(error), error.help or "`--offline` does not ask it")
        return ExitCode.REGISTRY
    except (NoVersion, NoRollbackTarget, AmbiguousVersion) as error:
        terminal.error(safe(str(error)), error.help)
        return ExitCode.NOT_PROMOTABLE
    except (GitError, CosignError) as error:
        terminal.error(str(error), error.help)
    except NotCompiled as error:
        terminal.error(str(error), "compile first: `aimass compile`")
    except (DamagedAcceptance, DamagedRecord, DamagedRelease, ProposalFailed) as error:
        terminal.error(str(error))
    return ExitCode.FAILED


class ChangeResult(Struct, frozen=True):
    """What became of a change."""

    exit_code: int
    branch: str = ""
    """Where it is proposed; empty where it is in the working tree."""
    url: str = ""
    """Of the pull request; empty where there is none."""


def carry_out(
    project: Project,
    change: RepositoryChange,
    *,
    pull_request: bool,
    merges: bool = False,
    report: Callable[[str], None] = print,
) -> ChangeResult:
    """Change the files, or propose the change. Raises ProposalFailed.

    With `merges`, what is proposed is merged once its checks have passed.
    """
    if pull_request:
        return _proposed(project, change, report, merges=merges)
    before: dict[str, bytes | None] = {}
    for path, content in change.files.items():
        target = project.root / path
        try:
            old = target.read_bytes() if target.is_file() else None
            if content is not None and old == content:
                continue
            before[path] = old
            _write(target, content)
        except OSError as error:
            for written, was in before.items():
                with suppress(OSError):
                    _write(project.root / written, was)
            terminal.error(f"{path} could not be written, so nothing was changed: {error.strerror}")
            return ChangeResult(ExitCode.DISK)
    for path in before:
        content = change.files[path]
        report(f"{'deleted' if content is None else 'wrote'} {path}")
    paths = " ".join(change.files)
    report(f"commit it for it to count: `git add {paths} && git commit -m {change.title!r}`")
    return ChangeResult(ExitCode.DONE)


def _write(target: Path, content: bytes | None) -> None:
    """Give a file this content, or take it away. Raises OSError."""
    from aimass_compiler.atomic_file import replace_file

    if content is None:
        target.unlink(missing_ok=True)
    else:
        replace_file(target, content)


def _proposed(
    project: Project, change: RepositoryChange, report: Callable[[str], None], *, merges: bool
) -> ChangeResult:
    from aimass_compiler.delivery.proposal import propose

    done = propose(project.root, change, merges=merges)
    if done.url:
        report(f"opened {done.url}")
    if not done.remaining:
        return ChangeResult(ExitCode.DONE, done.branch, done.url)
    terminal.error(
        f"the commit is on the branch {done.branch}, but {done.reason}", "these commands do the rest:"
    )
    for command in done.remaining:
        terminal.report(f"  {command}")
    return ChangeResult(ExitCode.FAILED, done.branch, done.url)
