"""The files of rows that changed since a version was made from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aimass_compiler.programs.dvc_files import dvc_note, tracked_md5
from aimass_compiler.releases.version_record import VersionRecord


def changed_rows(root: Path, version: VersionRecord) -> Iterator[str]:
    """The files of rows that DVC has otherwise than the version was made from."""
    for path, known in sorted(version.data.items()):
        note = dvc_note(root, path)
        if note is not None and tracked_md5(note) not in ("", known):
            yield path
