"""Releases for the projects of tests, whose overlays say nothing of images themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.model_path import name_of
from aimass_compiler.releases.release_file import Release, edited, file_of
from aimass_compiler.releases.version_record import ImageDigest

#: What models run where a test does not say.
DIGEST = f"sha256:{'d' * 64}"
REGISTRY = "registry.example.com/ml"


def release(root: Path, model: str, *environments: str, digest: str = DIGEST, version: str = "") -> None:
    """Let a project release an image of a model in these environments; in all that it has by default."""
    overlays = root / conventions.GENERATED_FOLDER / model / "overlays"
    for environment in environments or sorted(path.name for path in overlays.iterdir()):
        images = {
            name_of(model): ImageDigest(f"{REGISTRY}/{model}", digest),
            conventions.SERVER_IMAGE: ImageDigest(f"{REGISTRY}/{conventions.SERVER_IMAGE}", DIGEST),
        }
        path = file_of(root, environment, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes() if path.exists() else None
        wanted = Release(environment=environment, model=model, images=images, version=version)
        path.write_bytes(edited(text, wanted))


def released(root: Path, model: str, files: Mapping[str, bytes]) -> Path:
    """Write the files of a model into a project and release it everywhere; answers the model's folder."""
    folder = root / conventions.GENERATED_FOLDER / model
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    release(root, model)
    return folder
