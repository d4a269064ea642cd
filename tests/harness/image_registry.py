"""A registry of images for tests: a real one, which Go builds in half a minute, open or with a password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.programs.oci import CONFIG, LAYER, MANIFEST, Blob, ImageManifest
from aimass_compiler.programs.registry import Repository
from aimass_compiler.releases.version_record import ImageDigest
from scripts.cluster import programs
from scripts.cluster.image_registry import Registry, running

USER, PASSWORD = "growth", "secret"
#: What `htpasswd -B` makes of the password.
_HTPASSWD = f"{USER}:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"


def htpasswd(folder: Path) -> dict[str, Any]:
    """The setting by which a registry asks for USER and PASSWORD."""
    (folder / "htpasswd").write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "registry", "path": str(folder / "htpasswd")}}


def need() -> None:
    """Skip where the registry cannot be had; in CI, where nothing is skipped unnoticed, fail."""
    try:
        programs.program("registry")
    except (programs.ProgramMissing, programs.BuildFailed) as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def small_image(files: str) -> ImageManifest:
    """An image of one layer, which holds these bytes."""
    return ImageManifest.of(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": Blob.of(b"{}").descriptor(CONFIG),
            "layers": [Blob.of(files.encode()).descriptor(LAYER)],
        }
    )


def pushed(name: str, files: str) -> ImageDigest:
    """A small image in a registry."""
    store, manifest = Repository(name), small_image(files)
    for blob in (Blob.of(b"{}"), Blob.of(files.encode())):
        store.push_blob(blob)
    store.push_manifest(manifest)
    return ImageDigest(name, manifest.digest)


@pytest.fixture
def image_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry of the test's own, which lets everyone in."""
    need()
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry
