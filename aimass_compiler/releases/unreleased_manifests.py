"""Manifests of a model that no release names yet, with stand-ins for its images: to be read and scanned."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aimass_compiler import conventions, model_path
from aimass_compiler.releases.release_file import Release, edited, file_of
from aimass_compiler.releases.version_record import ImageDigest

#: No image has this digest, and no registry this name.
_DIGEST = f"sha256:{'0' * 64}"
_PLACE = f"{conventions.NO_REGISTRY}/unreleased"


def stand_in(environment: str, model: str) -> Release:
    """A release that only makes the manifests whole."""
    names = (model_path.name_of(model), conventions.SERVER_IMAGE)
    images = {name: ImageDigest(f"{_PLACE}/{name}", _DIGEST) for name in names}
    return Release(environment=environment, model=model, images=images)


@contextmanager
def unreleased(generated: Path, model: str) -> Iterator[Path]:
    """A copy of a model's folder, in which each overlay has a stand-in for its release."""
    with TemporaryDirectory(prefix="aimass-") as made:
        root = Path(made)
        folder = root / conventions.GENERATED_FOLDER / model
        shutil.copytree(generated / model, folder)
        for overlay in (folder / "overlays").glob("*/"):
            path = file_of(root, overlay.name, model)
            path.parent.mkdir(parents=True)
            path.write_bytes(edited(None, stand_in(overlay.name, model)))
        yield folder
