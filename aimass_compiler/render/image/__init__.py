"""The images: a small one that serves, and one on Ray's that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.render.image.findings import EXPLANATIONS, findings

if TYPE_CHECKING:
    from aimass_compiler.render.shared import Shared

__all__ = ["EXPLANATIONS", "findings", "render"]


def render(shared: Shared) -> dict[str, bytes]:
    """Both Dockerfiles; the package stage and `aimass image` put together what the first one copies."""
    return {
        "image/Dockerfile": shared.serving_dockerfile,
        "image/train.Dockerfile": shared.training_dockerfile,
    }
