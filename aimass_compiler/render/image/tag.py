"""The tag of the serving image: one name for all that it is made from, except the rows."""

from __future__ import annotations

from collections.abc import Mapping

from aimass_compiler.render.naming import canonical, digest


def tag(files: Mapping[str, bytes], trained_from: bytes, version: str) -> str:
    """The tag of an image that is built from these files and a model that is trained from this.

    The compiler's version stands for the server's sources and for the code that trains.
    """
    parts = {path: digest(content) for path, content in files.items()}
    return f"spec-{digest(canonical([parts, digest(trained_from), version]))}"
