"""The image that trains: its Dockerfile, and its name, whose tag says what it is built from.

All models of one framework have the same, so that a thousand models need a handful of images.
"""

from __future__ import annotations

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.image.escapes import reference
from aimass_compiler.render.image.package_install import install
from aimass_compiler.render.names import digest
from aimass_compiler.render.pod_security import is_assigned
from aimass_compiler.version import __version__


def training_image(pipeline: Pipeline, version: str = __version__) -> str:
    """Name and tag of the image of a compiler's version."""
    return f"{conventions.TRAINING_IMAGE}:{training_tag(pipeline, version)}"


def training_tag(pipeline: Pipeline, version: str = __version__) -> str:
    """Names exactly what the image is built from."""
    return digest(dockerfile(pipeline, version).encode())


def dockerfile(pipeline: Pipeline, version: str = __version__) -> str:
    """Ray's image with this package in the compiler's version, and what the frameworks need; no header."""
    frameworks = [model.trained_by for model in pipeline.model.candidates]
    is_pinned = all(each.fits_pins for each in frameworks)
    return f"""\
# `aimass image training` builds it, and finds wheels in the context, should no index have this version.
FROM {reference(pipeline.settings.images.ray)}

LABEL org.opencontainers.image.title="{conventions.TRAINING_IMAGE}"

{install({"run", *(each.extra for each in frameworks)}, version, is_pinned=is_pinned)}\
{_home_for_all(pipeline)}
# Ray sends telemetry unless it is disabled.
ENV RAY_USAGE_STATS_ENABLED=0

# Ray's operator asks whether it is well: nothing in the image alone would answer.
HEALTHCHECK NONE
# The user `ray` of the base image, as a number that Kubernetes can check.
USER 1000:100
"""


def _home_for_all(pipeline: Pipeline) -> str:
    """Lets users that the platform assigns, all of group 0, enter the folder that Ray's Python lies in."""
    if not is_assigned(pipeline.settings):
        return ""
    return """
# The platform runs it as a user that it assigns, in group 0.
USER 0
RUN chgrp 0 "$HOME" && chmod g+rx "$HOME"
"""
