"""A package folder: each file held against the manifest, and its signature against itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.model_signature import Signature, read_signature
from aimass_compiler.runtime.server.package_files import content_of, damaged, document_in
from aimass_compiler.runtime.server.response import ServerFailure, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


#: What is served from; a manifest may list more.
_NEEDED = (
    conventions.MODEL_FILE,
    conventions.SIGNATURE_FILE,
    conventions.REFERENCE_FILE,
    conventions.GOLDEN_FILE,
)

#: Characters that are reported of files that differ.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Package:
    """What training handed over."""

    signature: Signature
    reference: Mapping[str, Any]
    """How inputs and predictions were distributed in training."""
    golden: Mapping[str, Any]
    """A few rows with the answers that were evaluated."""
    model: bytes
    """The ONNX graph."""


def read_package(folder: Path) -> Package:
    """Read the files of a package; what is answered from is what was held against the manifest.

    Raises ServerFailure when one is missing, is not the one that was packaged, or when the signature
    contradicts itself or is not that of this very model.
    """
    files = _verified(folder)
    documents = {
        name: document_in(folder / name, written_as, files[name])
        for name, written_as in (
            (conventions.SIGNATURE_FILE, conventions.PACKAGE_FORMAT),
            (conventions.REFERENCE_FILE, conventions.REFERENCE_FORMAT),
            (conventions.GOLDEN_FILE, conventions.GOLDEN_FORMAT),
        )
    }
    path = folder / conventions.SIGNATURE_FILE
    try:
        signature = read_signature(documents[conventions.SIGNATURE_FILE])
    except (KeyError, ValueError) as error:
        message = f"lacks {error}" if isinstance(error, KeyError) else f"does not fit: {error}"
        raise damaged(f"{path} {message}") from error
    model = files[conventions.MODEL_FILE]
    digest = hashlib.sha256(model).hexdigest()
    if not digest.startswith(signature.version):
        message = f"is version {digest[:12]}, but {path} describes version {signature.version}"
        raise damaged(f"{folder / conventions.MODEL_FILE} {message}")
    return Package(
        signature, documents[conventions.REFERENCE_FILE], documents[conventions.GOLDEN_FILE], model
    )


def _verified(folder: Path) -> dict[str, bytes]:
    """The content of every file that the manifest lists."""
    path = folder / conventions.MANIFEST_FILE
    if not path.exists():
        content_of(folder / conventions.SIGNATURE_FILE)
        message = f"{folder} has no {conventions.MANIFEST_FILE}: an older version packaged it"
        raise ServerFailure(ExitCode.PACKAGE, f"{message}; package the model again with `aimass run`")
    listed = document_in(path, conventions.MANIFEST_FORMAT).get("files")
    digests: dict[str, Any] = listed if isinstance(listed, dict) else {}
    lacking = next((name for name in _NEEDED if name not in digests), None)
    if lacking is not None:
        raise damaged(f"{path} does not list {lacking}")
    found = {}
    for name, digest in digests.items():
        if "/" in name or "\\" in name or name.startswith("."):
            raise damaged(f"{path} lists {shown(name)}, which is no file beside it")
        found[name] = content_of(folder / name)
        actual = hashlib.sha256(found[name]).hexdigest()
        if actual != digest:
            message = f"{folder / name} is not the file that was packaged: its SHA-256 is {actual}"
            raise damaged(f"{message}, where {conventions.MANIFEST_FILE} has {digest}"[:_LONGEST])
    packaged = {*found, conventions.MANIFEST_FILE}
    for other in sorted(folder.iterdir()):  # hidden ones are what editors and mounts leave
        if other.is_file() and other.name not in packaged and not other.name.startswith("."):
            raise damaged(f"{path} does not list {shown(other.name)}")
    return found
