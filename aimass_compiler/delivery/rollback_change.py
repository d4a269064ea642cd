"""A rollback as a change of the repository's files: the release that ran before, and perhaps a rejection."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from aimass_compiler.delivery.proposal import RepositoryChange
from aimass_compiler.delivery.rejection import rejected
from aimass_compiler.delivery.release_change import change_of
from aimass_compiler.delivery.rollback_target import RollbackTarget
from aimass_compiler.releases.version_record import short_name


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
