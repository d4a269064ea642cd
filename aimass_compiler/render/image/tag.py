"""The tag of the serving image: one name for all that it is made from."""

from __future__ import annotations

from aimass_compiler.render.naming import canonical, digest


def tag(dockerfile: bytes, trained_from: bytes, version: str, packaged: str = "") -> str:
    """The tag of an image that is built by this file from a model that is trained from this.

    The Dockerfile names the server's pins by their hash. The compiler's version stands for the server's
    sources and for the code that trains. `packaged` is the package that dvc.lock records: it stands for the
    rows, and without a lock they are not part of the name.
    """
    parts = [digest(dockerfile), digest(trained_from), version, *([packaged] if packaged else [])]
    return f"spec-{digest(canonical(parts))}"
