"""Servers run images that are named by digest, and are made from such."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import AdmissionClaim, PolicyObjection, PolicyRule, of_all_images
from aimass_compiler.conventions import DIGEST_PATTERN, SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class PinnedImages(PolicyRule):
    """Servers run images that are named by digest, and are made from such.

    A tag names another image tomorrow. Images of models are released by digest anyway; this is about what
    they are made from, `images` in aimass.yaml, and, on the API server, about all that servers run.
    """

    reads: ClassVar[tuple[str, ...]] = ("settings", "serving.engine")
    unseen: ClassVar[str] = "what images are made from, and that their digest was released"

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        for key, image in model.server_images(environment).items():
            if "@sha256:" not in image:
                message = f"servers are made from `{image}`, which may be another image tomorrow"
                hint = f"write its digest in aimass.yaml: `images: {{{key}: {image}@sha256:…}}`"
                yield PolicyObjection(("images", key), message, hint, SETTINGS_FILE)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        message = "images must be named by digest, as released ones are"
        return of_all_images(f"IMAGE.matches('@{DIGEST_PATTERN}$')", message)
