"""What follows for git from how a release went: its canary took over or was aborted, or its budget burns."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from aimass_compiler.delivery.promotion import finished
from aimass_compiler.delivery.proposal import RepositoryChange
from aimass_compiler.delivery.release_change import change_of, rollback_change
from aimass_compiler.delivery.rollback_target import rollback_target
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import short_name


class Consequence(StrEnum):
    """What is to be done about a release."""

    NOTHING = "nothing"
    WAIT = "wait"
    """Its canary goes on, or the cluster does not have it yet."""
    FINISH = "finish"
    """Its canary took over: git says so, too."""
    REVERT = "revert"
    ASK = "ask"
    """Only people can decide."""


class ReleaseEvidence(Struct, frozen=True, kw_only=True):
    """What a cluster and Prometheus show of a release."""

    version: str = ""
    """The version that its canary is of; empty without a Rollout."""
    has_rollout: bool = False
    took_over: bool = False
    aborted: bool = False
    undecided: bool = False
    message: str = ""
    burning: str = ""
    """The objective whose budget burns since the release; empty where none does."""


class Conclusion(Struct, frozen=True):
    """What is to be done about one release, and why."""

    release: Release
    action: Consequence
    reason: str = ""


def conclusion(release: Release, seen: ReleaseEvidence) -> Conclusion:
    """What follows for a release."""
    if seen.burning:
        reason = f"the budget of its {seen.burning} objective burns since it was released"
        return Conclusion(release, Consequence.REVERT, reason)
    if not release.stable_images:
        return Conclusion(release, Consequence.NOTHING)
    if not seen.has_rollout or seen.version != release.version:
        return Conclusion(release, Consequence.WAIT, "the cluster does not run it yet")
    ends = (
        (seen.aborted, Consequence.REVERT),
        (seen.undecided, Consequence.ASK),
        (seen.took_over, Consequence.FINISH),
    )
    return Conclusion(
        release, next((action for is_so, action in ends if is_so), Consequence.WAIT), seen.message
    )


def change(root: Path, concluded: Conclusion, now: datetime) -> RepositoryChange:
    """The files that follow. Raises NoRollbackTarget, DamagedRelease, DamagedRecord and git.GitError."""
    release = concluded.release
    if concluded.action is Consequence.FINISH:
        return change_of(
            root,
            [finished(release)],
            topic=f"finish-{release.model}-{release.environment}-{release.version}",
            title=f"{release.environment}: {release.model} runs {short_name(release.version)}",
            body=f"The canary of `{release.version}` took over from `{release.stable}`.",
        )
    found = rollback_target(root, release.model, release.environment)
    return rollback_change(root, found, f"{release.environment}: {concluded.reason}", now)
