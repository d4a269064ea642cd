"""The package of a version on another server: tried on it, put on its image, and a version of its own.

Nothing is trained. So a patched base image reaches a model that nobody touched for a year.
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aimass_compiler.delivery.provenance import runtime_of
from aimass_compiler.delivery.publication import (
    Published,
    described_as,
    known_version,
    push_on_server,
    record_once,
)
from aimass_compiler.delivery.rehearsal import rehearse
from aimass_compiler.delivery.stored_package import package_of
from aimass_compiler.delivery.version_documents import documented
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.github_run import run_address
from aimass_compiler.programs.signer import Signer
from aimass_compiler.releases import version_record
from aimass_compiler.releases.version_record import Evidence, ImageDigest, VersionRecord
from aimass_compiler.version import __version__


def rebase(
    root: Path,
    pipeline: Pipeline,
    version: VersionRecord,
    server: ImageDigest,
    signer: Signer | None = None,
) -> Published:
    """Put a version's package on a server, unless one of its versions is that already.

    Raises RehearsalFailed, PackageNowhere, RegistryError, DamagedPackage, ServerError, CosignError, NotSigned
    and OSError.
    """
    versions = version_record.versions_of(root, version.model)
    known = known_version(versions, version.package, server)
    if known is not None:
        return Published(known, version_record.file_of(root, version.model, known.name), is_new=False)
    name = version_record.next_name(versions, version.package)
    described = described_as(pipeline, name, version.package, version.commit, version.trained_at)
    with package_of(root, version, pipeline.settings.images.registry) as package:
        test = rehearse(package)
        record = replace(
            version,
            name=name,
            image=push_on_server(pipeline, package, server, described),
            server_image=server,
            compiler=__version__,
            service_test=test,
            runtime=runtime_of(pipeline),
            run=run_address(),
            rebased_from=version.name,
            evidence=Evidence(bom=version.evidence.bom, signature=version.evidence.signature),
            attestations={},
        )
        return record_once(root, documented(root, record, pipeline, package, signer))
