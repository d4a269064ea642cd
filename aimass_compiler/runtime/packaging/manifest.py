"""The manifest: by what the server knows each file of a package for the one that was packaged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions

if TYPE_CHECKING:
    from pathlib import Path


def manifest_of(folder: Path) -> dict[str, Any]:
    """The SHA-256 of every file in a folder but the manifest and hidden ones."""
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != conventions.MANIFEST_FILE and not path.name.startswith(".")
    ]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"format": conventions.MANIFEST_FORMAT, "files": digests}
