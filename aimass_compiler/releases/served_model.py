"""How a model is served in an environment, as far as a release depends on it: its images, and a canary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions, model_path
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.partial_values import whole_environments
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord

IMAGE, VOLUME = "image", "volume"


class ServedModel(Struct, frozen=True):
    """What the pipeline says of one environment."""

    source: str = IMAGE
    """Where the server gets its model: within its `image`, or from another one as a `volume`."""
    canary: tuple[float, ...] = ()
    """The shares of traffic that a new version gets one after the other; none without a canary."""
    servers: tuple[int, int] = (0, 0)
    """How many at least and at most."""
    is_ours: bool = True
    """Whether our own server serves it, whose image is then part of a release; engines of others stand in
    the manifests."""

    def images(self, record: VersionRecord) -> dict[str, ImageDigest]:
        """The images of a version by the names that manifests have; none where some are missing.

        A version that was made without a registry has its package alone: git can say where it goes,
        but no cluster can run it.
        """
        own = model_path.name_of(record.model)
        if record.server_image is None:
            return {own: record.package_image}
        named: dict[str, ImageDigest | None] = {own: record.image}
        if not self.is_ours:
            named = {own: record.package_image}
        elif self.source == VOLUME:
            named = {own: record.package_image, conventions.SERVER_IMAGE: record.server_image}
        found = {name: image for name, image in named.items() if image is not None}
        return found if len(found) == len(named) else {}


class NotCompiled(Exception):  # noqa: N818  # it reads as what is the case
    """Nothing is generated for the model in this environment."""


def served_model(root: Path, model: str, environment: str) -> ServedModel:
    """How a model is served. Raises NotCompiled."""
    path = root / conventions.GENERATED_FOLDER / model / conventions.PIPELINE_FILE
    try:
        found: Any = whole_environments(json.loads(path.read_bytes()))["environments"][environment]["serving"]
        replicas = found["replicas"]
        return ServedModel(
            str(found.get("model", IMAGE)),
            tuple(float(share) for share in found["rollout"]["canary"]),
            (int(replicas["min"]), int(replicas["max"])),
            engine_named(found.get("engine")).is_ours,
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        shown = path.relative_to(root).as_posix()
        raise NotCompiled(f"{shown} does not say how `{model}` serves in {environment}: {error!r}") from None
