"""A package becomes a version: pushed as images, alone and on its server, and put on record once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replace_file
from aimass_compiler.delivery import package_image
from aimass_compiler.delivery.image_push import push, server_at
from aimass_compiler.delivery.package_image import ImageDescription
from aimass_compiler.delivery.provenance import PackageProvenance
from aimass_compiler.delivery.referrers import store_of
from aimass_compiler.delivery.version_documents import documented
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.github_run import run_address
from aimass_compiler.programs.registry import Repository
from aimass_compiler.programs.signer import Signer
from aimass_compiler.releases import version_record
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord
from aimass_compiler.version import __version__


@dataclass(frozen=True)
class Published:
    """A version, and whether it was made just now."""

    record: VersionRecord
    path: Path
    is_new: bool


def publish(
    root: Path,
    pipeline: Pipeline,
    made: PackageProvenance,
    server: ImageDigest | None,
    attestations: Mapping[str, str],
    signer: Signer | None = None,
) -> Published:
    """Push a package and record its version, unless one of the same package on the same server is on record.

    Without a server there is no registry: the package's image lies in a folder of the artifacts then.
    Raises RegistryError, DamagedPackage, DamagedRecord, CosignError, NotSigned and OSError.
    """
    versions = version_record.versions_of(root, made.model)
    known = known_version(versions, made.package, server)
    if known is not None:
        return Published(known, version_record.file_of(root, made.model, known.name), is_new=False)
    name = version_record.next_name(versions, made.package)
    described = described_as(pipeline, name, made.package, made.commit, made.trained_at)
    package = _push_alone(root, pipeline, made.folder, described)
    image = push_on_server(pipeline, made.folder, server, described) if server else None
    images = _Images(image, package, server)
    record = _record(made, name, images, attestations)
    return record_once(root, documented(root, record, pipeline, made.folder, signer))


class _Images(NamedTuple):
    """Where a version lies."""

    on_server: ImageDigest | None
    alone: ImageDigest
    server: ImageDigest | None


def _record(
    made: PackageProvenance, name: str, images: _Images, attestations: Mapping[str, str]
) -> VersionRecord:
    return VersionRecord(
        model=made.model,
        name=name,
        package=made.package,
        package_version=made.package_version,
        image=images.on_server,
        package_image=images.alone,
        server_image=images.server,
        compiler=__version__,
        commit=made.commit,
        data=made.data,
        package_files=made.package_files,
        parameters=made.parameters,
        metrics=made.metrics,
        slices=made.slices,
        gates=made.gates,
        parity=made.parity,
        service_test=made.service_test,
        contract=made.contract,
        runtime=made.runtime,
        trained_with=made.trained_with,
        trained_at=made.trained_at,
        run=run_address(),
        attestations=dict(attestations),
    )


def record_once(root: Path, record: VersionRecord) -> Published:
    """Write the record of a version that is new. Raises OSError."""
    path = version_record.file_of(root, record.model, record.name)
    replace_file(path, version_record.encoded(record))
    return Published(record, path, is_new=True)


def known_version(
    versions: list[VersionRecord], package: str, server: ImageDigest | None
) -> VersionRecord | None:
    """The last version of this package on this server, wherever that lies."""

    def digest(image: ImageDigest | None) -> str:
        return image.digest if image else ""

    same = (each for each in versions if each.package == package)
    alike = [each for each in same if digest(each.server_image) == digest(server)]
    return alike[-1] if alike else None


def described_as(
    pipeline: Pipeline, version: str, package: str, commit: str, trained_at: str
) -> ImageDescription:
    """What people see of a version's images, with who owns the model now."""
    about = pipeline.metadata
    return ImageDescription(
        model=pipeline.path,
        version=version,
        package=package,
        description=about.description,
        owner=about.owner,
        commit=commit,
        made_at=trained_at,
    )


def push_on_server(
    pipeline: Pipeline, package: Path, server: ImageDigest, described: ImageDescription
) -> ImageDigest:
    """Push a package on the image of a server, under the tag of its version.

    Raises RegistryError, DamagedPackage, OSError.
    """
    home = pipeline.settings.images.registry
    name = f"{home}/{pipeline.path}"
    below, place = server_at(server.reference, home)
    with TemporaryDirectory(prefix="aimass-publish-") as folder:
        inside = conventions.IMAGE_PACKAGE_FOLDER.strip("/")
        layer = package_image.layer_of(package, inside, Path(folder) / "layer.tar")
        image = package_image.on_server(layer, below, described)
        return ImageDigest(name, push(image, Repository(name, home), described.version, place).digest)


def _push_alone(root: Path, pipeline: Pipeline, package: Path, described: ImageDescription) -> ImageDigest:
    """Push a package alone, or keep it in a folder. Raises RegistryError, DamagedPackage, OSError."""
    home = pipeline.settings.images.registry
    name = f"{home}/{conventions.PACKAGE_IMAGE.format(model=pipeline.path)}"
    store = store_of(root, pipeline.path, ImageDigest(name, ""), home)
    with TemporaryDirectory(prefix="aimass-publish-") as folder:
        layer = package_image.layer_of(package, "", Path(folder) / "layer.tar")
        return ImageDigest(name, push(package_image.alone(layer, described), store, described.version).digest)
