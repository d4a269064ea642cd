"""The images: a small one that serves, and one on Ray's that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.render.image.findings import EXPLANATIONS, findings

if TYPE_CHECKING:
    from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "render"]


def render(shared: Shared) -> dict[str, bytes]:
    """Both Dockerfiles; the package stage and `aimass image` put together what the first one copies."""
    return {
        conventions.SERVING_DOCKERFILE: shared.serving_dockerfile,
        conventions.TRAINING_DOCKERFILE: shared.training_dockerfile,
    }
