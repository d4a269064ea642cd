"""What stands beside a model in its package, and the manifest, by which the server knows each file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replacing
from aimass_compiler.runtime.workspace import write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aimass_compiler.runtime.workspace import Workspace


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


def write_documents(documents: Mapping[str, Mapping[str, Any]], card: str, workspace: Workspace) -> None:
    """Write what says what a package is; the manifest comes last, because it lists all of it."""
    for path, document in documents.items():
        write_json(workspace.path(path), document)
    with replacing(workspace.path(artifacts.MODEL_CARD)) as temporary:
        temporary.write_text(card, encoding="utf-8")
    write_json(workspace.path(artifacts.MANIFEST), manifest_of(workspace.folder(artifacts.PACKAGE)))
