"""Holds images back that must not run again: `aimass rollback --now` sets it, and its merge lifts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.pod_images import Images, digests_of


class ImageHold(Struct, frozen=True, kw_only=True):
    """What must not come back to an environment, and who says so."""

    digests: tuple[str, ...]
    """What the bad release runs and the one of before does not: where all of them are, it is the bad one."""
    version: str
    """The bad release's version, as people call it."""
    by: str
    at: str
    """ISO 8601, in UTC."""
    reason: str
    commit: str = ""
    """The commit that brought it, if known: only what comes after it lifts the hold."""

    def forbids(self, images: Images) -> bool:
        """Whether these are the images of the bad release."""
        return bool(self.digests) and set(self.digests) <= digests_of(images)

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"`{self.version}` is held back by {self.by} since {self.at}{reason}"


class LiftedHold(Struct, frozen=True, kw_only=True):
    """A hold that is no more, who lifted it and why."""

    hold: ImageHold
    by: str
    at: str
    reason: str


class ImageHeldError(ClusterError):  # it reads as what is the case
    """What is declared is what must not run."""

    exit_code = ExitCode.HELD


def require_allowed(holds: Iterable[ImageHold], images: Images, model: str, environment: str) -> None:
    """Raises ImageHeldError where these images are held back, with what lifts that."""
    for hold in holds:
        if hold.forbids(images):
            raise ImageHeldError(
                f"git has what must not run in {environment}: {hold}",
                f"merge the pull request that rolls `{model}` back, or promote another version; "
                f"`aimass apply {model} --env {environment} --ignore-hold` lifts the hold and applies it",
            )


def is_lifted(hold: ImageHold, images: Images, is_after: Callable[[str], bool]) -> bool:
    """Whether git, in a later commit than the one that brought the bad release, has another one.

    An older commit has another release, too, and lifts nothing: the next newer one would bring it back.
    """
    return not hold.forbids(images) and (not hold.commit or is_after(hold.commit))
