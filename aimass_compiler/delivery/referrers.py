"""Documents beside an image, each as what refers to it: how they are kept, and found by their digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.delivery.cyclonedx import MEDIA_TYPE
from aimass_compiler.programs.oci import ImageLayout, ImageManifest, referring
from aimass_compiler.programs.registry import NoSuchImage, Repository
from aimass_compiler.releases.version_record import ImageDigest

#: A signature with what verifies it. Source: https://docs.sigstore.dev/about/bundle/
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
#: Below a model's artifacts: its package as an image, where there is no registry.
_LAYOUT = "oci"
Store = Repository | ImageLayout


@dataclass(frozen=True)
class DocumentKind:
    """What a document is, to whoever lists what refers to an image."""

    name: str
    """As messages, records and settings call it."""
    shown: str
    artifact_type: str
    media_type: str
    predicate: str = ""
    """What a bundle says, as cosign looks for it."""


BOM = DocumentKind("bom", "the bill of materials of the model", MEDIA_TYPE, MEDIA_TYPE)
SBOM = DocumentKind("sbom", "the bill of materials of the image", MEDIA_TYPE, MEDIA_TYPE)
#: No bundle of cosign's kind: it is about a folder of files, and cosign would take it for one about an image.
SIGNATURE = DocumentKind(
    "signature", "the signature of the package", "application/vnd.aimass.model-signature.v1+json", BUNDLE
)
PROVENANCE = DocumentKind(
    "provenance", "the statement of provenance", BUNDLE, BUNDLE, "https://slsa.dev/provenance/v1"
)
KINDS = (BOM, SBOM, SIGNATURE, PROVENANCE)


class NoDocument(Exception):  # noqa: N818  # it reads as what is the case
    """A document is not there, or is not what its place says; the message says which."""


def store_of(root: Path, model: str, image: ImageDigest, home: str) -> Store:
    """Where an image and what refers to it lie. Raises RegistryError without the library that asks.

    `home` is the registry of aimass.yaml, as Repository has it.
    """
    if image.is_in_registry:
        return Repository(image.name, home)
    return ImageLayout(root / conventions.ARTIFACTS_FOLDER / model / _LAYOUT)


def attach(store: Store, subject: str, kind: DocumentKind, content: bytes, made_at: str = "") -> str:
    """Keep a document beside the image with this digest; answers the digest of what refers to the image.

    Raises RegistryError and OSError.
    """
    image = store.manifest_or_none(subject)
    if image is None:
        raise NoSuchImage(f"there is no image {subject} that a document could be about")
    annotations = {"org.opencontainers.image.title": kind.name}
    annotations |= {"org.opencontainers.image.created": made_at} if made_at else {}
    if kind.predicate:
        annotations |= {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": kind.predicate,
        }
    made = referring(image, content, kind.media_type, kind.artifact_type, annotations)
    for blob in made.blobs:
        store.push_blob(blob)
    store.push_referrer(made.manifest)
    return made.manifest.digest


def document(store: Store, digest: str, subject: str, kind: DocumentKind) -> bytes:
    """The document that a digest names, if it is of this kind and about this image.

    Raises NoDocument where it is not, and RegistryError where the registry gives no answer.
    """
    found = store.manifest_or_none(digest)
    if found is None:
        raise NoDocument(f"{kind.shown}, {digest}, is not there")
    about = (found.document.get("subject") or {}).get("digest")
    if about != subject:
        raise NoDocument(f"{kind.shown}, {digest}, is about another image, {about}")
    if found.document.get("artifactType") != kind.artifact_type:
        raise NoDocument(f"{digest} is not {kind.shown}, but {found.document.get('artifactType')}")
    return _content(store, found, kind)


def _content(store: Store, manifest: ImageManifest, kind: DocumentKind) -> bytes:
    (layer, *_) = manifest.document["layers"] or [None]
    if layer is None:
        raise NoDocument(f"{kind.shown}, {manifest.digest}, is empty")
    try:
        return store.blob(layer)
    except NoSuchImage:
        raise NoDocument(f"{kind.shown}, {manifest.digest}, has lost its content") from None
