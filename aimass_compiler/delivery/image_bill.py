"""The bill of materials of an image that the compiler builds: what it is built from, as it is pinned.

What lies in the base image is not listed, because nothing here opens it; the document says so.
"""

from __future__ import annotations

from aimass_compiler.catalog.artifact import Server
from aimass_compiler.delivery.cyclonedx import Component, bill, image, library, model, pinned, properties
from aimass_compiler.delivery.referrers import SBOM, attach
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs.registry import Repository
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord
from aimass_compiler.version import __version__

_BASE = "the base image, whose own packages are not listed"


def served_bill(record: VersionRecord, base: str, server: Server) -> bytes:
    """The document about a version's image of server and package. Only for a version that has one."""
    if record.image is None or record.server_image is None:
        raise ValueError(record.name)
    parts = [
        model(record),
        image(record.server_image.reference, "the server"),
        *_server_parts(base, server, record.compiler),
    ]
    subject = {
        **image(record.image.reference, "the server with the package of a model"),
        **properties({"platform": "linux"}),
    }
    return bill(subject, parts, record.trained_at, [f"image:{base}"])


def server_bill(built: ImageDigest, base: str, server: Server) -> bytes:
    """The document about the image of a server."""
    subject = {**image(built.reference, "a server of models"), **properties({"platform": "linux"})}
    return bill(subject, _server_parts(base, server, __version__), "", [f"image:{base}"])


def _server_parts(base: str, server: Server, compiler: str) -> list[Component]:
    own = {**library("aimass-compiler", compiler), "description": f"of it {', '.join(server.sources)}"}
    return [image(base, _BASE), own, *pinned(server.pins)]


def leave_bill(image: ImageDigest, settings: Settings, server: Server) -> None:
    """Have the bill of a server beside its image, where it is the same document each time.

    Raises RegistryError.
    """
    found = server_bill(image, settings.images.python, server)
    attach(Repository(image.name, settings.images.registry), image.digest, SBOM, found)
