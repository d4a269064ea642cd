"""An image on its way into a registry or a folder: what it lacks there is pushed, and its tag never moves."""

from __future__ import annotations

from aimass_compiler.delivery.package_image import (
    ANNOTATION_BASE,
    ANNOTATION_PACKAGE,
    ServerImage,
    listed_platforms,
)
from aimass_compiler.programs.oci import BuiltImage, ImageLayout, ImageManifest
from aimass_compiler.programs.registry import RegistryError, Repository, parted

#: What two images share that hold the same package on the same server.
_SAME = (ANNOTATION_PACKAGE, f"{ANNOTATION_BASE}.digest")


def server_at(reference: str, home: str = "") -> tuple[ServerImage, Repository]:
    """The image of a server and where it lies. Raises RegistryError."""
    name, wanted = parted(reference)
    repository = Repository(name, home)
    manifest = repository.manifest(wanted)
    entries = listed_platforms(manifest) if manifest.is_index else []
    platforms = {entry["digest"]: repository.manifest(entry["digest"]) for entry in entries}
    if any(part.is_index for part in platforms.values()):
        raise RegistryError(f"{reference} is an index of indexes, which no builder makes")
    configs = {
        config["digest"]: repository.blob(config)
        for part in (platforms.values() if manifest.is_index else [manifest])
        for config in [part.document["config"]]
    }
    return ServerImage(name, manifest, platforms, configs), repository


def push(
    image: BuiltImage, store: Repository | ImageLayout, tag: str, below: Repository | None = None
) -> ImageManifest:
    """Push an image under a tag; answers what the tag names.

    Where the tag has the same package on the same server already, as a run that was cut off left it, that
    is the image. `below` is where the layers of the image below it lie. Raises TagTaken, RegistryError.
    """
    known = store.manifest_or_none(tag)
    if known is not None and _said(known) == _said(image.manifest):
        return known
    if below is not None and isinstance(store, Repository):
        for descriptor in image.inherited:
            store.mount_blob(descriptor, below)
    for blob in image.blobs:
        store.push_blob(blob)
    for part in image.parts:
        store.push_manifest(part)
    store.push_manifest(image.manifest, tag)
    return image.manifest


def _said(manifest: ImageManifest) -> list[str]:
    annotations = manifest.document.get("annotations") or {}
    return [annotations.get(key, "") for key in _SAME]
