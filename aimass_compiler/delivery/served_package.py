"""Whether a package on this machine is one that was published, and signed by whom it should be."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from aimass_compiler.delivery import package_signature
from aimass_compiler.delivery.package_image import package_hash
from aimass_compiler.delivery.referrers import SIGNATURE, NoDocument
from aimass_compiler.delivery.version_evidence import document_of
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.releases import version_record


def complaint(root: Path, model: str, package: Path, key: Path, home: str) -> str | None:
    """Why a model's package is none that the owner of this public key signed; None where it is one.

    `home` is the registry of aimass.yaml, as Repository has it. Raises NotSigned, RegistryError,
    DamagedPackage, DamagedRecord and OSError.
    """
    known = package_hash(package)
    records = [each for each in version_record.versions_of(root, model) if each.package == known]
    signed = [each for each in records if each.evidence.signature]
    if not signed:
        return f"`{records[-1].name}` was not signed" if records else "no version on record is this package"
    try:
        bundle = document_of(root, signed[-1], SIGNATURE, home)
    except NoDocument as missing:
        return str(missing)
    wanted = ImageSignature(key=str(key.resolve()))
    with TemporaryDirectory(prefix="aimass-signature-") as folder:
        return package_signature.complaint(package, bundle, wanted, root, Path(folder))
