"""What the documents beside a version's images say against it: that one is missing, another's or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aimass_compiler.delivery import package_signature, statement
from aimass_compiler.delivery.image_evidence import signer_of
from aimass_compiler.delivery.package_image import ANNOTATION_PACKAGE
from aimass_compiler.delivery.promotion import Objection
from aimass_compiler.delivery.referrers import (
    BOM,
    KINDS,
    PROVENANCE,
    SBOM,
    SIGNATURE,
    DocumentKind,
    NoDocument,
    document,
    store_of,
)
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.pipeline.settings import EnvironmentSettings
from aimass_compiler.programs import cosign
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord

_AGAIN = "publish the version again, or choose another one"


@dataclass(frozen=True)
class _Asked:
    """What a document is held against."""

    root: Path
    record: VersionRecord
    signature: ImageSignature | None


def objections(
    root: Path, record: VersionRecord, wanted: EnvironmentSettings, home: str
) -> Iterator[Objection]:
    """Every reason against a version in what lies beside its images. Raises RegistryError and CosignError.

    What is on record is read and held against the record; what an environment requires must be on record.
    """
    asked = _Asked(root, record, wanted.signature)
    if record.evidence.bom:  # older compilers left none, and are believed as before
        yield from _of_images(root, record, home)
    for kind in KINDS:
        is_required = kind.name in wanted.requires
        digest = getattr(record.evidence, kind.name)
        if not digest:
            if is_required:
                yield _objection(
                    f"`{record.name}` has no {kind.name}: {kind.shown} was never made", _how(kind, record)
                )
            continue
        try:
            content = document_of(root, record, kind, home)
        except NoDocument as missing:
            if is_required or record.package_image.is_in_registry:
                yield _objection(f"`{record.name}`: {missing}", _AGAIN)
            continue
        for complaint in _CHECKS[kind.name](content, asked):
            yield _objection(f"`{record.name}`: {kind.shown} {complaint}", _AGAIN)


def _of_images(root: Path, record: VersionRecord, home: str) -> Iterator[Objection]:
    """The images that hold another package than the record says."""
    for image in record.own_images:
        found = store_of(root, record.model, image, home).manifest_or_none(image.digest)
        held = (found.document.get("annotations") or {}).get(ANNOTATION_PACKAGE) if found else None
        if held is not None and held != record.package:
            text = f"{image.reference} holds the package {held[:12]}…, not {record.package[:12]}…"
            yield _objection(f"`{record.name}`: {text}", _AGAIN)


def document_of(root: Path, record: VersionRecord, kind: DocumentKind, home: str) -> bytes:
    """A document of a version, which lies beside the image that it is about.

    `home` is the registry of aimass.yaml, as Repository has it. Raises NoDocument and RegistryError.
    """
    image = _subject(record, kind)
    if image is None:
        raise NoDocument(f"{kind.shown} is about an image that was never pushed")
    store = store_of(root, record.model, image, home)
    return document(store, getattr(record.evidence, kind.name), image.digest, kind)


def _subject(record: VersionRecord, kind: DocumentKind) -> ImageDigest | None:
    return record.image if kind is SBOM else record.package_image


def _objection(text: str, hint: str) -> Objection:
    return Objection("evidence", text, hint)


def _how(kind: DocumentKind, record: VersionRecord) -> str:
    publish = f"`aimass publish {record.model}`"
    return publish if kind in (BOM, SBOM) else f"{publish} with `--sign-key` or `--keyless`"


def _bill_complaints(content: bytes, asked: _Asked) -> Iterator[str]:
    """Whether a bill is about the model's package or image."""
    known = {asked.record.package, asked.record.image.digest.partition(":")[2] if asked.record.image else ""}
    hashes = _at(_document(content), "metadata", "component", "hashes")
    found = (
        {each.get("content") for each in hashes if isinstance(each, dict)}
        if isinstance(hashes, list)
        else set()
    )
    if not found & known:
        yield "is about something else than this version"


def _signature_complaints(content: bytes, asked: _Asked) -> Iterator[str]:
    said = package_signature.statement_in(content)
    if package_signature.signed_manifest(said) != asked.record.package:
        yield "is of other files than this package's"
        return
    # Who signs a package with a key tells no log of it.
    yield from _signer_complaints(content, package_signature.PREDICATE, said, asked, in_log=False)


def _provenance_complaints(content: bytes, asked: _Asked) -> Iterator[str]:
    said = package_signature.statement_in(content)
    subjects = _at(said, "subject")
    listed = [_at(each, "digest", "sha256") for each in subjects] if isinstance(subjects, list) else []
    for image in asked.record.own_images:
        if image.digest.partition(":")[2] not in listed:
            yield f"is not about {image.reference}"
            return
    if different := statement.differences(said, asked.record):
        yield f"says otherwise than the record about {', '.join(different)}"
    yield from _signer_complaints(content, PROVENANCE.predicate, said, asked, in_log=True)


def _signer_complaints(
    content: bytes, predicate: str, said: dict[str, Any], asked: _Asked, *, in_log: bool
) -> Iterator[str]:
    """Why a bundle is not by whom the environment wants; nothing where it does not say whom."""
    signature = asked.signature
    if signature is None:
        return
    with TemporaryDirectory(prefix="aimass-bundle-") as folder:
        bundle = Path(folder) / "bundle.json"
        bundle.write_bytes(content)
        signer, about = signer_of(signature, in_log=in_log), package_signature.signed_digest(said)
        complaint = cosign.complaint_about_bundle(bundle, about, predicate, signer, asked.root)
    if complaint is not None:
        yield f"is not signed by {signature.key or signature.identity}: {complaint}"


def _document(content: bytes) -> object:
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found


def _at(document: object, *path: str) -> Any:
    """What lies there in a document that anyone may have written; None where nothing does."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


_CHECKS: dict[str, Callable[[bytes, _Asked], Iterator[str]]] = {
    BOM.name: _bill_complaints,
    SBOM.name: _bill_complaints,
    SIGNATURE.name: _signature_complaints,
    PROVENANCE.name: _provenance_complaints,
}
