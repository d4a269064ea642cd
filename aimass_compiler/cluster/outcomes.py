"""What became of each object of a model, and of the model, when it was applied or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.objects import Object, ObjectKey
from aimass_compiler.conventions import ExitCode


class Action(StrEnum):
    """What happened to an object; in a dry run, what would happen."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    LEFT = "left"


@dataclass(frozen=True)
class Outcome:
    """What happened to one object."""

    key: ObjectKey
    action: Action
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
    outcomes: tuple[Outcome, ...] = ()
    """In the order in which objects are applied, then those that were deleted."""
    failures: tuple[ClusterError, ...] = ()
    is_dry_run: bool = False
    is_removal: bool = False
    """Whether the model is to have nothing there any more."""
    is_ready: bool = False
    """Whether what serves was waited for, and is ready."""
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """Of the first failure, if there is one."""
        return self.failures[0].exit_code if self.failures else ExitCode.DONE

    def count(self, action: Action) -> int:
        """How many objects this happened to."""
        return sum(outcome.action is action for outcome in self.outcomes)
