"""The package of a version, from the nearest place that has it: the last run here, the registry, or DVC."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aimass_compiler import conventions
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs import dvc
from aimass_compiler.programs.registry import NoSuchImage, RegistryError, Repository
from aimass_compiler.releases.version_record import VersionRecord
from aimass_compiler.stages import artifacts


class PackageNowhere(HintedError):  # noqa: N818  # it reads as what is the case
    """No place has the package of a version; the message says why, place by place."""


class PackageOutOfReach(PackageNowhere):
    """No place gives it, and of the registry it is not known whether it has it."""


class _NotThere(Exception):  # noqa: N818  # it reads as what is the case
    """One place does not have it; the message says why."""


class _NotAsked(_NotThere):
    """One place may have it, but gives no answer that can be used; the message says why."""


@contextmanager
def package_of(root: Path, record: VersionRecord, registry: str) -> Iterator[Path]:
    """The package of a version, until the block ends. Raises PackageNowhere and OSError.

    `registry` is that of aimass.yaml, as Repository has it.
    """
    own = _last_run(root, record.model)
    if is_package(own, record.package):
        yield own
        return
    place = root / conventions.ARTIFACTS_FOLDER / record.model
    place.mkdir(parents=True, exist_ok=True)  # within the project, as DVC wants what it fetches
    with TemporaryDirectory(prefix="version-", dir=place) as folder:
        bring(root, record, Path(folder) / "package", registry)
        yield Path(folder) / "package"


def bring(root: Path, record: VersionRecord, folder: Path, registry: str) -> None:
    """Have exactly the package of a version in a folder of the project. Raises PackageNowhere and OSError.

    `registry` is that of aimass.yaml, as Repository has it.
    """
    if is_package(folder, record.package):
        return
    partial, complaints, kind = folder.with_name(f".{folder.name}.partial"), [], PackageNowhere
    for place, way in _WAYS.items():
        shutil.rmtree(partial, ignore_errors=True)
        try:
            way(root, record, partial, registry)
        except _NotThere as reason:
            complaints.append(f"{place}: {reason}")
            kind = PackageOutOfReach if isinstance(reason, _NotAsked) else kind
            continue
        if is_package(partial, record.package):
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
            return
        complaints.append(f"{place}: what it has is not this package")
    shutil.rmtree(partial, ignore_errors=True)
    message = f"the package of {record.model} {record.name} is nowhere"
    raise kind(
        "".join([message, *(f"\n  {each}" for each in complaints)]),
        f"where it was made, `dvc push` shares it, and so does `aimass publish {record.model}`",
    )


def is_package(folder: Path, package: str) -> bool:
    """Whether a folder is this very package: its manifest by its hash, and each file by the manifest."""
    try:
        manifest = (folder / conventions.MANIFEST_FILE).read_bytes()
        if hashlib.sha256(manifest).hexdigest() != package:
            return False
        files: Mapping[str, str] = json.loads(manifest)["files"]
        return all(_sha256(folder / name) == digest for name, digest in files.items())
    except OSError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _last_run(root: Path, model: str) -> Path:
    return root / conventions.ARTIFACTS_FOLDER / model / artifacts.PACKAGE


def _from_last_run(root: Path, record: VersionRecord, folder: Path, registry: str) -> None:  # noqa: ARG001  # as the others
    """Copy the package that the last run left."""
    own = _last_run(root, record.model)
    if not is_package(own, record.package):
        raise _NotThere("it made another package")
    shutil.copytree(own, folder)


def _from_registry(root: Path, record: VersionRecord, folder: Path, registry: str) -> None:  # noqa: ARG001  # as the others
    """Fetch and unpack its image."""
    if not record.package_image.is_in_registry:
        raise _NotThere("it was never pushed")
    try:
        repository = Repository(record.package_image.name, registry)
        manifest = repository.manifest(record.package_image.digest)
        folder.mkdir()
        for layer in manifest.document.get("layers", ()):
            with repository.as_file(layer) as path, tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
    except (NoSuchImage, tarfile.TarError) as failed:
        raise _NotThere(str(failed)) from None
    except RegistryError as failed:
        raise _NotAsked(str(failed)) from None


def _from_dvc(root: Path, record: VersionRecord, folder: Path, registry: str) -> None:  # noqa: ARG001  # as the others
    """Fetch it by the hashes that dvc.lock had."""
    if not record.package_files:
        raise _NotThere("its record does not say how DVC keeps it")
    try:
        dvc.fetch(root, record.package_files, folder)
    except dvc.DvcFailed as failed:
        raise _NotThere(str(failed)) from None


_Way = Callable[[Path, VersionRecord, Path, str], None]
#: Its image is what serves, and costs no process; DVC may have it where there is no registry.
_WAYS: Mapping[str, _Way] = {
    "the last run here": _from_last_run,
    "the registry": _from_registry,
    "DVC": _from_dvc,
}
