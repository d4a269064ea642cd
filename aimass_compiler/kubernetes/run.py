"""What a run of apply or delete is asked for, what its models share, and what became of each object."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import StrEnum

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.kubernetes.transport import Report


class ObjectAction(StrEnum):
    """What happened to an object; in a dry run, what would happen."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    LEFT = "left"


@dataclass(frozen=True)
class ObjectOutcome:
    """What happened to one object."""

    key: ObjectKey
    action: ObjectAction
    reason: str = ""
    """Why it was left, though it is declared no longer."""
    live: Object | None = None
    """As the cluster had it before."""
    merged: Object | None = None
    """As the cluster has it now, or would have it."""


@dataclass(frozen=True)
class Applied:
    """What happened to one model in one environment."""

    model: str
    environment: str
    namespace: str
    version: str
    outcomes: tuple[ObjectOutcome, ...] = ()
    """In the order in which objects are applied, then those that were deleted."""
    failures: tuple[ClusterError, ...] = ()
    is_dry_run: bool = False
    is_removal: bool = False
    """Whether the model is to have nothing there any more."""
    is_ready: bool = False
    """Whether what serves was waited for, and is ready."""
    is_started: bool = False
    """Whether a canary has begun, which was not waited for."""
    skipped: str = ""
    """Why it was left alone; nothing where it was not."""
    digest: str = ""
    """The digest of the image that holds the model, where manifests name one."""
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """Of the first failure, if there is one."""
        return self.failures[0].exit_code if self.failures else ExitCode.DONE

    def count(self, action: ObjectAction) -> int:
        """How many objects this happened to."""
        return sum(outcome.action is action for outcome in self.outcomes)


@dataclass(frozen=True)
class ApplyOptions:
    """How to apply, as the command's options have it."""

    force: bool = False
    is_dry_run: bool = False
    prunes: bool = True
    waits: bool = True
    timeout: float = 600.0
    """Seconds for what serves to get ready, and again for what is deleted to be gone."""
    lock_timeout: float = 600.0
    """Seconds to wait for another run that works on the same model."""
    adopts: bool = False
    """Whether to take over what another repository applied."""
    waits_for_canaries: bool = False
    """Whether a canary must have ended, and not only begun."""
    ignores_holds: bool = False
    """Whether what is held back is applied all the same."""


@dataclass(frozen=True)
class GitOrigin:
    """Where what is applied comes from, as far as git tells."""

    commit: str = ""
    source: str = ""
    is_after: Callable[[str], bool] = lambda _: False
    """Whether it comes after another commit, as far as git here knows it."""
    namespaces_of: Callable[[str, str], Collection[str]] = lambda _model, _environment: ()
    """Every namespace that a model's environment has had, as far as git here knows it."""


@dataclass(frozen=True)
class ApplyRun:
    """What all models of a run share."""

    connection: Connection
    pool: Executor
    """Runs requests side by side."""
    options: ApplyOptions
    origin: GitOrigin
    report: Report

    def of(self, model: str, environment: str) -> ApplyRun:
        """The same for one model: its lines say so."""
        return replace(self, report=lambda line: self.report(f"{model} in {environment}: {line}"))
