"""The manifest: by what the server knows each file of a package for the one that was packaged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions

if TYPE_CHECKING:
    from pathlib import Path


def manifest_of(folder: Path) -> dict[str, Any]:
    """The SHA-256 of every file in a folder and those below it, but the manifest and hidden ones."""
    names = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    digests = {
        name.as_posix(): _digest(path)
        for name, path in names.items()
        if name.as_posix() != conventions.MANIFEST_FILE and not any(part[0] == "." for part in name.parts)
    }
    return {"format": conventions.MANIFEST_FORMAT, "files": digests}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
