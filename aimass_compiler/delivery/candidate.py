"""Which version is to be promoted, and all that is known of it and of where it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from aimass_compiler.delivery.promotion import ContractBreak, PromotionCase
from aimass_compiler.delivery.release_history import current, release_history
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs import git
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.accepted_breaks import accepted_breaks
from aimass_compiler.releases.served_model import served_model
from aimass_compiler.releases.version_record import VersionRecord
from aimass_compiler.render.facts import Contract

#: What callers of the first would notice of the second.
Comparison = Callable[[Contract, Contract], Iterable[ContractBreak]]


class NoVersion(HintedError):  # noqa: N818  # it reads as what is the case
    """There is no version to promote; `help` is the hint."""


def chosen_version(
    root: Path, settings: Settings, model: str, environment: str, written: str
) -> VersionRecord:
    """The version that was named, or else that of the environment before; for the first, the newest.

    Raises NoVersion, AmbiguousVersion, DamagedRecord and DamagedRelease.
    """
    records = version_record.versions_of(root, model)
    if not records:
        raise NoVersion(
            f"`{model}` has no version yet", f"`aimass run {model}`, then `aimass publish {model}`"
        )
    if written:
        return named_version(records, written)
    before = settings.environment_before(environment)
    if before is None:
        sound = [each for each in records if version_record.rejection_of(root, model, each.name) is None]
        if not sound:
            raise NoVersion(f"every version of `{model}` was rejected", "train another one")
        return sound[-1]
    release = release_file.read(root, before, model)
    if release is None:
        hint = f"promote it to {before} first, or name a version: `--version {records[-1].name}`"
        raise NoVersion(f"nothing of `{model}` is released in {before}, which is before {environment}", hint)
    found = version_record.version_of(records, release.digests)
    if found is None:
        hint = f"name a version: `--version {records[-1].name}`"
        raise NoVersion(f"what is released in {before}, {release.digest}, is no version on record", hint)
    return found


def running_version(root: Path, model: str, environment: str) -> VersionRecord:
    """The version that is a canary in an environment.

    Raises NoVersion where there is none, and DamagedRecord and DamagedRelease.
    """
    release = release_file.read(root, environment, model)
    if release is None or not release.stable_images:
        raise NoVersion(f"`{model}` has no canary in {environment}")
    found = version_record.version_of(version_record.versions_of(root, model), release.digests)
    if found is None:
        raise NoVersion(f"the canary in {environment}, {release.digest}, is no version on record")
    return found


def named_version(records: list[VersionRecord], written: str) -> VersionRecord:
    """The version of this name or number. Raises NoVersion and AmbiguousVersion."""
    found = version_record.version_called(records, written)
    if found is None:
        newest = ", ".join(each.name for each in records[-5:])
        raise NoVersion(f"there is no version `{written}`", f"the newest are {newest}" if newest else "")
    return found


def case_of(
    root: Path,
    settings: Settings,
    record: VersionRecord,
    environment: str,
    now: datetime,
    compare: Comparison,
) -> PromotionCase:
    """All that is asked about a version and an environment.

    Raises NotCompiled, DamagedRecord, DamagedRelease, DamagedAcceptance and git.GitError.
    """
    model = record.model
    served = served_model(root, model, environment)
    released = release_file.read(root, environment, model)
    records = version_record.versions_of(root, model)
    # During a canary, callers rely on the version that serves on.
    known = version_record.version_of(records, released.stable_digests) if released else None
    before = settings.environment_before(environment)
    stay = current(release_history(root, model).get(before or "", []))
    return PromotionCase(
        record=record,
        rejection=version_record.rejection_of(root, model, record.name),
        environment=environment,
        settings=settings.environments[environment],
        has_registry=settings.images.has_registry,
        served=served,
        released=released,
        released_record=known,
        environment_before=before,
        since=stay.since if stay and version_record.is_of(record, stay.digests) else None,
        is_shallow=git.is_shallow(root),
        breaks=tuple(compare(known.contract, record.contract)) if known else (),
        accepted=accepted_breaks(root, model),
        now=now,
    )
