"""Releases as changes of their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from aimass_compiler.delivery.proposal import RepositoryChange
from aimass_compiler.delivery.rejection import rejected
from aimass_compiler.delivery.rollback_target import RollbackTarget
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import short_name


def change_of(
    root: Path,
    releases: Iterable[Release],
    *,
    topic: str,
    title: str,
    body: str = "",
    beside: Mapping[str, bytes | None] | None = None,
    dated: Mapping[str, bytes | None] | None = None,
) -> RepositoryChange:
    """The change that makes these the releases. Raises DamagedRelease.

    `beside` are other files, and so are those that are `dated`, whose content says when.
    """
    files: dict[str, bytes | None] = {}
    for release in releases:
        path = release_file.file_of(root, release.environment, release.model)
        old = path.read_bytes() if path.exists() else None
        files[path.relative_to(root).as_posix()] = release_file.edited(old, release)
    return RepositoryChange(
        topic=topic,
        title=title,
        body=body,
        files={**files, **(beside or {}), **(dated or {})},
        dated=frozenset(dated or {}),
    )


def rollback_change(root: Path, found: RollbackTarget, rejection: str, at: datetime) -> RepositoryChange:
    """The files of a rollback. Raises DamagedRelease.

    Where a reason for it is given, the version that it goes back from is rejected, if it is on record.
    """
    model, environment = found.current.model, found.current.environment
    is_rejected = bool(rejection) and found.source is not None
    source = found.source.name if found.source else found.current.digest
    body = f"From `{source}` to `{found.record.name}`, which ran there before."
    return change_of(
        root,
        [found.target],
        topic=f"rollback-{model}-{environment}-{found.record.name}",
        title=f"{environment}: roll {model} back to {short_name(found.record.name)}",
        body=f"{body}\n\n`{source}` is rejected: {rejection}" if is_rejected else body,
        dated=rejected(root, found.source, rejection, at) if is_rejected and found.source else None,
    )
