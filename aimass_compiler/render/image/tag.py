"""The tag of the serving image: one name for all that it is made from, except the rows."""

from __future__ import annotations

from aimass_compiler.render.naming import canonical, digest


def tag(dockerfile: bytes, trained_from: bytes, version: str) -> str:
    """The tag of an image that is built by this file from a model that is trained from this.

    The Dockerfile names the server's pins by their hash. The compiler's version stands for the server's
    sources and for the code that trains.
    """
    return f"spec-{digest(canonical([digest(dockerfile), digest(trained_from), version]))}"
