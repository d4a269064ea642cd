"""Images as registries keep them: blobs and manifests by their digest, and a folder of them on disk.

Sources: https://github.com/opencontainers/image-spec (manifest, index, layout, annotations) and
https://github.com/opencontainers/distribution-spec.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
#: A layer that is not compressed: its digest is that of its files, whatever compresses them elsewhere.
LAYER = "application/vnd.oci.image.layer.v1.tar"
#: The configuration of what is no image: `{}`.
_EMPTY = "application/vnd.oci.empty.v1+json"
_DOCKER = "application/vnd.docker"
#: What Docker called these before there was a standard, which it still pushes.
OF_DOCKER = {
    f"{_DOCKER}.distribution.manifest.v2+json": MANIFEST,
    f"{_DOCKER}.distribution.manifest.list.v2+json": INDEX,
    f"{_DOCKER}.container.image.v1+json": CONFIG,
    f"{_DOCKER}.image.rootfs.diff.tar": LAYER,
    f"{_DOCKER}.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
    f"{_DOCKER}.image.rootfs.diff.tar.zstd": f"{LAYER}+zstd",
}
ACCEPTED = (MANIFEST, INDEX, *(name for name, ours in OF_DOCKER.items() if ours in (MANIFEST, INDEX)))
_TAG = "org.opencontainers.image.ref.name"


class _Descriptor(Struct):
    """What names a blob or a manifest."""

    mediaType: str  # noqa: N815  # the standard's word
    digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: Annotated[int, Meta(ge=0)]


class _Manifest(Struct):
    config: _Descriptor
    layers: list[_Descriptor]


class _Index(Struct):
    manifests: list[_Descriptor]


@dataclass(frozen=True)
class Blob:
    """Bytes that a registry keeps by their digest, in memory or in a file."""

    digest: str
    size: int
    content: bytes | Path

    @classmethod
    def of(cls, content: bytes) -> Blob:
        """The blob of these bytes."""
        return cls(digest_of(content), len(content), content)

    def descriptor(self, media_type: str) -> dict[str, Any]:
        """What a manifest names it by."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class ImageManifest:
    """An image, or an index of one for several platforms."""

    content: bytes
    media_type: str = MANIFEST

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ImageManifest:
        """The manifest that a document is: the same bytes for the same document."""
        return cls(encoded(document), document["mediaType"])

    @cached_property
    def digest(self) -> str:
        return digest_of(self.content)

    @cached_property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.content)
        return found if isinstance(found, dict) else {}

    @cached_property
    def is_sound(self) -> bool:
        """Whether it has the shape of a manifest, or of an index of them, with digests by which to ask."""
        try:
            msgspec.json.decode(self.content, type=_Index if self.is_index else _Manifest)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True

    @property
    def is_index(self) -> bool:
        return OF_DOCKER.get(self.media_type, self.media_type) == INDEX

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True)
class BuiltImage:
    """A manifest with all that it names and that is new; what is not new, an image below it has."""

    manifest: ImageManifest
    blobs: tuple[Blob, ...]
    parts: tuple[ImageManifest, ...] = ()
    """The manifests of its platforms, where it is an index."""
    inherited: tuple[Mapping[str, Any], ...] = ()
    """Descriptors of the layers that it shares with the image below it."""


def referring(
    subject: ImageManifest, content: bytes, media_type: str, kind: str, annotations: Mapping[str, str]
) -> BuiltImage:
    """A document about an image: a manifest that refers to it, of this kind of artifact.

    Source: https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
    """
    config, document = Blob.of(b"{}"), Blob.of(content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": config.descriptor(_EMPTY),
        "layers": [document.descriptor(media_type)],
        "subject": subject.descriptor,
        "annotations": dict(annotations),
    }
    return BuiltImage(ImageManifest.of(manifest), (config, document))


def digest_of(content: bytes) -> str:
    """What these bytes are called."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def file_blob(path: Path) -> Blob:
    """The blob that a file is; it is read in parts."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Blob(f"sha256:{digest}", path.stat().st_size, path)


def encoded(document: Mapping[str, Any]) -> bytes:
    """A document as the bytes that its digest is of."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class ImageLayout:
    """An OCI image layout: a folder that `skopeo`, `oras`, `crane` and `buildah` read and copy."""

    folder: Path

    def manifest_or_none(self, reference: str) -> ImageManifest | None:
        """The manifest of a tag or a digest."""
        found = [each for each in self._listed() if reference in (each["digest"], _tag_of(each))]
        if not found:
            return None
        return ImageManifest(self.blob(found[0]), found[0]["mediaType"])

    def blob(self, descriptor: Mapping[str, Any]) -> bytes:
        """The bytes of a blob. Raises OSError."""
        return self._path(descriptor["digest"]).read_bytes()

    def push_blob(self, blob: Blob) -> None:
        """Keep a blob, unless it is there."""
        path = self._path(blob.digest)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        if isinstance(blob.content, bytes):
            partial.write_bytes(blob.content)
        else:
            shutil.copyfile(blob.content, partial)
        partial.rename(path)

    def push_manifest(self, manifest: ImageManifest, tag: str = "") -> None:
        """Keep a manifest, listed with its tag where it has one."""
        self.push_blob(Blob.of(manifest.content))
        if not tag:
            return
        entry = {**manifest.descriptor, "annotations": {_TAG: tag}}
        others = [each for each in self._listed() if _tag_of(each) != tag]
        self._list([*others, entry])

    def push_referrer(self, manifest: ImageManifest) -> None:
        """Keep a manifest that refers to another, listed without a tag, as other programs look for it."""
        self.push_blob(Blob.of(manifest.content))
        self._list(listed_with(self._listed(), manifest))

    def _list(self, entries: list[dict[str, Any]]) -> None:
        (self.folder / "index.json").write_bytes(encoded(index_of(entries)))
        (self.folder / "oci-layout").write_bytes(encoded({"imageLayoutVersion": "1.0.0"}))

    def _listed(self) -> list[dict[str, Any]]:
        try:
            return list(json.loads((self.folder / "index.json").read_bytes())["manifests"])
        except FileNotFoundError:
            return []

    def _path(self, digest: str) -> Path:
        algorithm, _, name = digest.partition(":")
        return self.folder / "blobs" / algorithm / name


def index_of(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The index that lists these manifests."""
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}


def listed_with(entries: list[dict[str, Any]], referrer: ImageManifest) -> list[dict[str, Any]]:
    """The entries of a list of referrers with this one, which says its kind and annotations there, too."""
    more = {key: referrer.document[key] for key in ("artifactType", "annotations")}
    return [*(each for each in entries if each["digest"] != referrer.digest), referrer.descriptor | more]


def _tag_of(descriptor: Mapping[str, Any]) -> str:
    return str((descriptor.get("annotations") or {}).get(_TAG, ""))
