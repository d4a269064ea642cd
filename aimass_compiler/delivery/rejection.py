"""Rejecting a version, and where it runs meanwhile."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path

from aimass_compiler.programs import git
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.version_record import Rejection, VersionRecord


def rejected(root: Path, record: VersionRecord, reason: str, at: datetime) -> dict[str, bytes | None]:
    """The file that rejects a version, with its content."""
    rejection = Rejection(reason=reason, by=who(root), at=at.isoformat(timespec="seconds"))
    return {file_of(root, record): version_record.encoded(rejection)}


def file_of(root: Path, record: VersionRecord) -> str:
    """Where its rejection lies, below the project's root."""
    return version_record.rejection_file(root, record.model, record.name).relative_to(root).as_posix()


def who(root: Path) -> str:
    """Who asks: as git has it, or else as the system has it."""
    try:
        return git.author(root) or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def environments_of(root: Path, record: VersionRecord) -> list[str]:
    """Where a version is released now, be it as a canary or beside one. Raises DamagedRelease."""
    found = []
    for environment, model in release_file.released_places(root):
        release = release_file.read(root, environment, model) if model == record.model else None
        running = (release.digests, release.stable_digests) if release else ()
        if any(version_record.is_of(record, digests) for digests in running):
            found.append(environment)
    return found
