"""A store of images of its own for Buildah, which needs no daemon, no registry and nobody's settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.programs.registry import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.releases.version_record import ImageDigest


class BuildFailed(Exception):  # noqa: N818  # of what is measured, not an error of ours
    """A program that builds failed; the message ends with what it said."""


@dataclass(frozen=True)
class Layer:
    """One layer as a registry keeps it."""

    digest: str
    stored_bytes: int


@dataclass(frozen=True)
class Image:
    """What a registry would tell of an image."""

    digest: str
    layers: tuple[Layer, ...]
    config: dict[str, Any]
    """The part of its configuration that says how it runs."""


@dataclass(frozen=True)
class Store:
    """A folder of images, and the registry that they go to, which has no TLS."""

    folder: Path
    registry: str

    def variables(self) -> dict[str, str]:
        """What lets any Buildah use this store, without namespaces of its own."""
        folders = f'graphroot = "{self.folder / "images"}"\nrunroot = "{self.folder / "run"}"'
        path = self.folder / "storage.conf"
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(f'[storage]\ndriver = "{_driver()}"\n{folders}\n', encoding="utf-8")
        registries = self.folder / "registries.conf"
        place = f'[[registry]]\nlocation = "{self.registry}"\ninsecure = true\n'
        registries.write_text(f'unqualified-search-registries = ["docker.io"]\n{place}', encoding="utf-8")
        return {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(path),
            "CONTAINERS_REGISTRIES_CONF": str(registries),
            "BUILDAH_ISOLATION": "chroot",
        }

    def buildah(self, *arguments: str) -> str:
        """What Buildah answers; raises BuildFailed."""
        return run(["buildah", *arguments], self.variables())

    def holds(self, name: str) -> bool:
        """Whether there is an image of this name."""
        asked = ["buildah", "inspect", "--type", "image", name]
        return subprocess.run(asked, env=self.variables(), capture_output=True, check=False).returncode == 0

    def image(self, name: str) -> Image:
        """An image by its name, as it would be pushed."""
        inspected = json.loads(self.buildah("inspect", "--type", "image", name))
        pushed = self.folder / "pushed"
        shutil.rmtree(pushed, ignore_errors=True)
        self.buildah("push", "--quiet", name, f"oci:{pushed}:image")
        blobs = pushed / "blobs" / "sha256"
        (listed,) = json.loads((pushed / "index.json").read_bytes())["manifests"]
        manifest = json.loads((blobs / listed["digest"].partition(":")[2]).read_bytes())
        return Image(
            digest=listed["digest"],
            layers=tuple(Layer(each["digest"], each["size"]) for each in manifest["layers"]),
            config=inspected["OCIv1"]["config"],
        )

    @contextmanager
    def unpacked(self, name: str) -> Iterator[Path]:
        """The file system of an image, until the block ends."""
        container = self.buildah("from", "--pull=never", name)
        try:
            yield Path(self.buildah("mount", container))
        finally:
            self.buildah("rm", container)


def pushed(image: ImageDigest) -> Image:
    """An image as its registry has it."""
    repository = Repository(image.name)
    document = repository.manifest(image.digest).document
    return Image(
        digest=image.digest,
        layers=tuple(Layer(each["digest"], each["size"]) for each in document["layers"]),
        config=json.loads(repository.blob(document["config"]["digest"]))["config"],
    )


def _driver() -> str:
    """Overlays where the kernel has them; else every layer is a copy of all that is below it."""
    has_overlays = "overlay" in Path("/proc/filesystems").read_text().split()
    return os.environ.get("STORAGE_DRIVER") or ("overlay" if has_overlays else "vfs")


def run(command: list[str], variables: dict[str, str]) -> str:
    """What a program answers; raises BuildFailed."""
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()
