"""What lies beside an image that all models share: its bill of materials, and a signature."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.catalog.artifact import Server
from aimass_compiler.delivery import image_bill, image_evidence
from aimass_compiler.delivery.referrers import SBOM, attach
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs.registry import Repository
from aimass_compiler.programs.signer import Signer
from aimass_compiler.releases.version_record import ImageDigest


def leave_bill(image: ImageDigest, settings: Settings, server: Server) -> None:
    """Have the bill of a server beside its image, where it is the same document each time.

    Raises RegistryError.
    """
    bill = image_bill.server_bill(image, settings.images.python, server)
    attach(Repository(image.name, settings.images.registry), image.digest, SBOM, bill)


def sign_once(image: ImageDigest, settings: Settings, signer: Signer, root: Path) -> None:
    """Sign an image, unless it has every signature that environments want. Raises CosignError."""
    wanted = [each.signature for each in settings.environments.values() if each.signature]
    images = {image.name: image}
    if not wanted or any([*image_evidence.unsigned(images, each, root)] for each in wanted):
        signer.sign_image(image.reference)
