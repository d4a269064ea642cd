"""Which release a rollback goes back to: no compile and no gates, only what ran there before."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from aimass_compiler.delivery.promotion import returned
from aimass_compiler.delivery.release_history import ReleasePeriod, before, release_history
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs import git
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import VersionRecord


class RollbackTarget(Struct, frozen=True):
    """A rollback: from what, to what."""

    current: Release
    source: VersionRecord | None
    """The version that it goes back from; None where what runs is no version on record."""
    target: Release
    record: VersionRecord
    ends_canary: bool = False
    """Whether it goes back to what serves beside a canary."""


class NoRollbackTarget(HintedError):  # noqa: N818  # it reads as what is the case
    """There is nothing to go back to; `help` is the hint."""


def rollback_target(root: Path, model: str, environment: str, written: str = "") -> RollbackTarget:
    """The release of before, or that of the version that was named, which must have run there.

    During a canary it is what serves beside it. Raises NoRollbackTarget, AmbiguousVersion, DamagedRelease,
    DamagedRecord and git.GitError.
    """
    current = release_file.read(root, environment, model)
    if current is None:
        raise NoRollbackTarget(f"nothing of `{model}` is released in {environment}")
    records = version_record.versions_of(root, model)
    source = version_record.version_of(records, current.digests)
    stays = release_history(root, model).get(environment, [])
    stable = version_record.version_of(records, current.stable_images) if current.stable_images else None
    named = version_record.version_called(records, written) if written else None
    if stable is not None and (not written or named is stable):
        return RollbackTarget(current, source, returned(current, stable), stable, ends_canary=True)
    for stay in before(stays, current.digests) if not written else reversed(stays):
        record = version_record.version_of(records, stay.digests)
        if record is None or record is source:
            continue
        rejection = version_record.rejection_of(root, model, record.name)
        if record is named and rejection is not None:
            raise NoRollbackTarget(f"`{record.name}` was rejected by {rejection.by}: {rejection.reason}")
        if record is named or (not written and rejection is None):
            return RollbackTarget(current, source, _release(stay, current, record), record)
    raise _nothing(root, model, environment, written)


def _release(stay: ReleasePeriod, current: Release, record: VersionRecord) -> Release:
    """What ran then; a hold of today stays."""
    return Release(
        environment=current.environment,
        model=current.model,
        images=stay.release.images,
        version=record.name,
        hold=current.hold,
    )


def _nothing(root: Path, model: str, environment: str, written: str) -> NoRollbackTarget:
    what = f"`{written}` never ran" if written else "no other version on record, which was not rejected, ran"
    hint = f"`aimass history {model}` shows what ran where"
    if git.is_shallow(root):
        hint = "this clone lacks older commits: `git fetch --unshallow`"
    return NoRollbackTarget(f"{what} in {environment} before, as the commits here have it", hint)
