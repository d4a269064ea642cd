"""What registry and signatures say of a version's images: that they are there, and who signed them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from aimass_compiler.delivery.promotion import Objection
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs import cosign, registry
from aimass_compiler.programs.signer import Signer
from aimass_compiler.releases.version_record import ImageDigest

Images = Mapping[str, ImageDigest]


def missing(images: Images, settings: Settings) -> Iterator[Objection]:
    """The images that their registry does not have. Raises registry.RegistryError."""
    for image in images.values():
        if image.is_in_registry and not registry.digest_exists(image.reference, settings.images.registry):
            hint = "publish the version again, or choose another one"
            yield Objection("registry", f"the registry has no image {image.reference}", hint)


def unsigned(images: Images, signature: ImageSignature | None, root: Path) -> Iterator[Objection]:
    """The images without the signature that an environment wants. Raises cosign.CosignError."""
    if signature is None:
        return
    signer = signer_of(signature) + ([cosign.LEGACY] if signature.is_legacy else [])
    for image in images.values():
        complaint = (
            cosign.complaint(image.reference, signer, root)
            if image.is_in_registry
            else "it is in no registry"
        )
        if complaint is not None:
            text = f"{image.reference} is not signed by {signature.key or signature.identity}: {complaint}"
            yield Objection("signature", text, f"`cosign sign {image.reference}` by that signer")


def signer_of(signature: ImageSignature, *, in_log: bool = True) -> list[str]:
    """How cosign is asked for the signature that an environment wants; by a key it need not be in the log
    where nothing puts it there.
    """
    if signature.key:
        return cosign.by_key(signature.key, ignores_tlog=signature.ignore_tlog or not in_log)
    return cosign.by_identity(str(signature.identity), str(signature.issuer))


def sign_once(image: ImageDigest, settings: Settings, signer: Signer, root: Path) -> None:
    """Sign an image, unless it has every signature that environments want. Raises CosignError."""
    wanted = [each.signature for each in settings.environments.values() if each.signature]
    images = {image.name: image}
    if not wanted or any([*unsigned(images, each, root)] for each in wanted):
        signer.sign_image(image.reference)
