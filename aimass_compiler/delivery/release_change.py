"""Releases as changes of their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from aimass_compiler.delivery.proposal import RepositoryChange
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Release


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
