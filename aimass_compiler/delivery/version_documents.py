"""What is written about a version beside its images: bills of materials, and what is signed."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aimass_compiler.delivery import image_bill, model_bill, package_signature, statement
from aimass_compiler.delivery.referrers import (
    BOM,
    PROVENANCE,
    SBOM,
    SIGNATURE,
    DocumentKind,
    attach,
    store_of,
)
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.signer import Signer
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord


def documented(
    root: Path, record: VersionRecord, pipeline: Pipeline, package: Path, signer: Signer | None
) -> VersionRecord:
    """The record with the digests of its documents, which then lie beside its images.

    Only with a signer there is a signature of the package and a statement of what the record says, and the
    images are signed as well. Raises RegistryError, CosignError, NotSigned and OSError.
    """
    home = pipeline.settings.images.registry

    def kept(kind: DocumentKind, image: ImageDigest, content: bytes) -> str:
        store = store_of(root, record.model, image, home)
        return attach(store, image.digest, kind, content, record.trained_at)

    evidence = record.evidence
    if not evidence.bom:  # a version on another server has that of the package
        bill = model_bill.model_bill(record, pipeline, package)
        evidence = replace(evidence, bom=kept(BOM, record.package_image, bill))
    if record.image is not None:
        server, base = pipeline.first_model.artifact.server, pipeline.settings.images.python
        bill = image_bill.served_bill(record, base, server)
        evidence = replace(evidence, sbom=kept(SBOM, record.image, bill))
    if signer is None:
        return replace(record, evidence=evidence)
    signed = package_signature.signature_of(package, signer)
    evidence = replace(evidence, signature=kept(SIGNATURE, record.package_image, signed))
    record = replace(record, evidence=evidence)
    bundle = signer.signed_statement(statement.statement(record))
    provenance = {image.name: kept(PROVENANCE, image, bundle) for image in record.own_images}
    for image in record.own_images:
        if image.is_in_registry:
            signer.sign_image(image.reference)
    return replace(record, evidence=replace(evidence, provenance=provenance[record.package_image.name]))
