"""The life of each version: what it came from, and where it ran from when until when."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from aimass_compiler.delivery.release_history import ReleasePeriod, release_history
from aimass_compiler.releases import version_record
from aimass_compiler.releases.version_record import Rejection, VersionRecord


class VersionLife(Struct, frozen=True):
    """One version, and all that became of it."""

    record: VersionRecord
    rejection: Rejection | None
    stays: tuple[ReleasePeriod, ...]
    """In the order in which they began."""


class Lineage(Struct, frozen=True):
    """All versions of a model, from the first to the last."""

    model: str
    versions: tuple[VersionLife, ...]
    strangers: tuple[ReleasePeriod, ...]
    """What ran and is no version on record."""


def lineage(root: Path, model: str, environment: str = "") -> Lineage:
    """The versions of a model, those that ran in an environment where one is named.

    Raises DamagedRecord and git.GitError.
    """
    records = version_record.versions_of(root, model)
    found: dict[str, list[ReleasePeriod]] = {each.name: [] for each in records}
    strangers: list[ReleasePeriod] = []
    history = release_history(root, model)
    stays = [stay for name in history if environment in ("", name) for stay in history[name]]
    for stay in sorted(stays, key=lambda each: each.since):
        record = version_record.version_of(records, stay.digests)
        (found[record.name] if record else strangers).append(stay)
    lives = [
        VersionLife(each, version_record.rejection_of(root, model, each.name), tuple(found[each.name]))
        for each in records
        if not environment or found[each.name]
    ]
    return Lineage(model, tuple(lives), tuple(strangers))
