"""What ran in each environment, and from when until when, as the commits of release files say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.programs import git
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import DamagedRelease, Release


class ReleasePeriod(Struct, frozen=True):
    """That the same images were released in an environment for a time."""

    environment: str
    release: Release
    """As it began."""
    since: datetime
    commit: str
    author: str
    alone_since: datetime | None = None
    """Since when it serves without the version before; None while its canary goes on."""
    until: datetime | None = None
    """None where it is released still, as HEAD has it."""

    @property
    def digests(self) -> dict[str, str]:
        return self.release.digests


def release_history(root: Path, model: str) -> dict[str, list[ReleasePeriod]]:
    """The stays in each environment, from the first to the last.

    Only what HEAD has counts, by the dates at which it reached the branch. A file that could not be read
    released nothing, and stays what it was before. Raises git.GitError.
    """
    pattern = f":(glob){conventions.RELEASES_FOLDER}/*/{model}/{conventions.RELEASE_FILE}"
    found: defaultdict[str, list[ReleasePeriod]] = defaultdict(list)
    for revision in reversed(git.revisions(root, [pattern])):
        environment = revision.path.split("/")[1]
        try:
            release = (
                None
                if revision.content is None
                else release_file.decoded(revision.content, environment, model)
            )
        except DamagedRelease:
            continue
        at = datetime.fromisoformat(revision.at)
        stays = found[environment]
        if stays and stays[-1].until is None:
            if release is not None and release.digests == stays[-1].digests:
                if not release.stable_images and stays[-1].alone_since is None:
                    stays[-1] = replace(stays[-1], alone_since=at)
                continue
            stays[-1] = replace(stays[-1], until=at)
        if release is not None:
            alone_since = None if release.stable_images else at
            stays.append(
                ReleasePeriod(environment, release, at, revision.commit, revision.author, alone_since)
            )
    return dict(found)


def current(stays: list[ReleasePeriod]) -> ReleasePeriod | None:
    """What is released now, as HEAD has it."""
    return stays[-1] if stays and stays[-1].until is None else None


def stay_of(root: Path, release: Release) -> ReleasePeriod | None:
    """The stay of what is released now; None where no commit has it. Raises git.GitError."""
    stay = current(release_history(root, release.model).get(release.environment, []))
    return stay if stay is not None and stay.digests == release.digests else None


def before(stays: list[ReleasePeriod], digests: Mapping[str, str]) -> list[ReleasePeriod]:
    """What ran before these images first came, newest first and each once.

    So a second rollback goes further back, and not forward to what the first one came from.
    """
    first = next((place for place, stay in enumerate(stays) if stay.digests == digests), len(stays))
    found: list[ReleasePeriod] = []
    for stay in reversed(stays[:first]):
        if all(stay.digests != each.digests for each in found):
            found.append(stay)
    return found
