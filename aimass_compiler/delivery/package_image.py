"""A package as images, alone and as a layer on the image of its server: the same files, the same digests.

The layer is not compressed. What a compressor makes differs between its versions, so the digest of a
compressed layer would depend on the machine; and weights hardly get smaller (decision 0305).
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.programs import oci
from aimass_compiler.programs.oci import Blob, BuiltImage, ImageManifest

#: Which package an image holds: the SHA-256 of the package's manifest.
ANNOTATION_PACKAGE = "dev.aimass.package"
#: What an image is called whose only content is a package.
ARTIFACT_TYPE = "application/vnd.aimass.package.v1"
ANNOTATION_BASE = "org.opencontainers.image.base"
_ANNOTATION = "org.opencontainers.image"
_EXECUTABLE, _READABLE = 0o755, 0o644
#: Docker's builder lists where an image came from beside its platforms, as one of this platform.
_NO_PLATFORM = "unknown"


class DamagedPackage(Exception):  # noqa: N818  # it reads as what is the case
    """A package lacks a file of its manifest, or has another one in its place."""


@dataclass(frozen=True)
class ImageDescription:
    """What people see of an image in its registry."""

    model: str
    version: str
    package: str
    description: str
    owner: str
    commit: str
    made_at: str
    """ISO 8601, in UTC: when the model was trained, so that nothing depends on when it is published."""

    @property
    def annotations(self) -> dict[str, str]:
        """Source: https://github.com/opencontainers/image-spec/blob/main/annotations.md"""
        values = {
            "title": self.model,
            "version": self.version,
            "description": self.description,
            "authors": self.owner,
            "revision": self.commit,
            "created": self.made_at,
        }
        standard = {f"{_ANNOTATION}.{key}": value for key, value in values.items() if value}
        return {**standard, ANNOTATION_PACKAGE: self.package}


def package_hash(package: Path) -> str:
    """The SHA-256 of the manifest of a package, which holds the hash of each of its files.

    Raises DamagedPackage, OSError.
    """
    return hashlib.sha256(_manifest(package)).hexdigest()


def layer_of(package: Path, folder: str, into: Path) -> Blob:
    """The files of a package as a layer, below a folder or at the root, written to the file `into`.

    Everyone may read them and no one may change them, whatever their modes here. Raises DamagedPackage.
    """
    digests = _digests(package)
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as archive:
        if folder:
            archive.addfile(_entry(folder, tarfile.DIRTYPE))
        for path in _paths(package):
            name = path.relative_to(package).as_posix()
            entry = _entry(f"{folder}/{name}".lstrip("/"), tarfile.DIRTYPE if path.is_dir() else b"")
            if path.is_dir():
                archive.addfile(entry)
                continue
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != digests.pop(name, ""):
                    raise DamagedPackage(f"{path} is not the file that was packaged")
                entry.size = stream.tell()
                stream.seek(0)
                archive.addfile(entry, stream)
    if digests:
        raise DamagedPackage(f"{package / min(digests)} is missing, which the package's manifest lists")
    return oci.file_blob(into)


def alone(layer: Blob, described: ImageDescription) -> BuiltImage:
    """An image that holds a package and nothing else, for the kubelet to mount as a volume.

    It has a configuration as any image, because container runtimes want one; what is not in an index they
    take for every platform.
    """
    config = Blob.of(
        oci.encoded(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "created": described.made_at,
                "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
                "history": [_history(described)],
            }
        )
    )
    manifest = _manifest_of(config, [layer.descriptor(oci.LAYER)], described.annotations)
    return BuiltImage(ImageManifest.of({**manifest, "artifactType": ARTIFACT_TYPE}), (config, layer))


@dataclass(frozen=True)
class ServerImage:
    """The image that a package is put on: its name, its manifest, and the parts of it that are needed."""

    name: str
    manifest: ImageManifest
    platforms: Mapping[str, ImageManifest]
    """By digest the manifests that an index lists; empty where the image is for one platform."""
    configs: Mapping[str, bytes]
    """By digest the configuration of each platform."""

    @property
    def annotations(self) -> dict[str, str]:
        """What says which image lies below another."""
        return {f"{ANNOTATION_BASE}.name": self.name, f"{ANNOTATION_BASE}.digest": self.manifest.digest}


def listed_platforms(index: ImageManifest) -> list[dict[str, Any]]:
    """The descriptors of the images in an index, without those of what describes these."""
    return [
        each
        for each in index.document.get("manifests", ())
        if (each.get("platform") or {}).get("os") != _NO_PLATFORM
    ]


def on_server(layer: Blob, server: ServerImage, described: ImageDescription) -> BuiltImage:
    """The image of a server with the layer of a package on top, for each of its platforms."""
    annotations = described.annotations | server.annotations
    if not server.manifest.is_index:
        return _appended(layer, server.manifest, server.configs, described, annotations)
    made, entries = [], []
    for entry in listed_platforms(server.manifest):
        part = server.platforms[entry["digest"]]
        made.append(_appended(layer, part, server.configs, described, annotations))
        kept = {"platform": entry["platform"]} if "platform" in entry else {}
        entries.append({**made[-1].manifest.descriptor, **kept})
    index = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries, "annotations": annotations}
    return BuiltImage(
        manifest=ImageManifest.of(index),
        blobs=tuple(blob for image in made for blob in image.blobs),
        parts=tuple(image.manifest for image in made),
        inherited=tuple(each for image in made for each in image.inherited),
    )


def _appended(
    layer: Blob,
    below: ImageManifest,
    configs: Mapping[str, bytes],
    described: ImageDescription,
    annotations: Mapping[str, str],
) -> BuiltImage:
    config: dict[str, Any] = json.loads(configs[below.document["config"]["digest"]])
    config["rootfs"]["diff_ids"].append(layer.digest)
    config["history"] = [*config.get("history", ()), _history(described)]
    config["created"] = described.made_at
    written = Blob.of(oci.encoded(config))
    inherited = tuple(
        {**each, "mediaType": oci.OF_DOCKER.get(each["mediaType"], each["mediaType"])}
        for each in below.document["layers"]
    )
    manifest = _manifest_of(written, [*inherited, layer.descriptor(oci.LAYER)], annotations)
    return BuiltImage(ImageManifest.of(manifest), (written, layer), inherited=inherited)


def _manifest_of(
    config: Blob, layers: Sequence[Mapping[str, Any]], annotations: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": config.descriptor(oci.CONFIG),
        "layers": list(layers),
        "annotations": dict(annotations),
    }


def _history(described: ImageDescription) -> dict[str, str]:
    by = f"{conventions.MANAGER}: package of {described.model} {described.version}"
    return {"created": described.made_at, "created_by": by}


def _entry(name: str, kind: bytes) -> tarfile.TarInfo:
    """What a file or folder is in a layer: of root, without a time."""
    entry = tarfile.TarInfo(name)
    entry.type = kind or tarfile.REGTYPE
    entry.mode = _EXECUTABLE if kind else _READABLE
    return entry


def _paths(package: Path) -> list[Path]:
    """What is in a package, folders before what is in them; hidden files are what editors leave."""
    return sorted(
        path
        for path in package.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(package).parts)
    )


def _manifest(package: Path) -> bytes:
    try:
        return (package / conventions.MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        raise DamagedPackage(f"{package} has no {conventions.MANIFEST_FILE}") from None


def _digests(package: Path) -> dict[str, str]:
    """The SHA-256 of each file of a package; its manifest is one of them."""
    content = _manifest(package)
    try:
        files = dict(json.loads(content)["files"])
    except (ValueError, LookupError, TypeError):
        raise DamagedPackage(f"{package / conventions.MANIFEST_FILE} lists no files") from None
    return files | {conventions.MANIFEST_FILE: hashlib.sha256(content).hexdigest()}
