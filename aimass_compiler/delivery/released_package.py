"""What the gate `beats: released` compares with: packages of released versions, brought here before a run.

They are left below artifacts/MODEL/released, each in a folder called by its hash, and beside them which of
them gates ask for. So stages read neither releases/ nor versions/, and ask no registry.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replace_file
from aimass_compiler.delivery import stored_package
from aimass_compiler.delivery.stored_package import PackageNowhere
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.version_record import VersionRecord


class NotFetched(HintedError):  # noqa: N818  # it reads as what is the case
    """A released version that cannot be compared with here; the message says why, `help` what to do."""


class ComparedVersion(Struct, frozen=True):
    """A released version that gates compare with."""

    environment: str
    version: str
    package: str
    """SHA-256 of its package's manifest.json, by which its folder is called."""


def bring(root: Path, pipeline: Pipeline, *, always: bool = False) -> None:
    """Leave what the gates of a model compare with below its artifacts. Raises NotFetched.

    With `always`, what serves in the last environment is brought though no gate asks for it.

    A gate that names no environment is about the last one, in the order of promotion, that has a release.
    """
    wanted = {gate.environment or "" for gate in pipeline.evaluation.gates if gate.beats == "released"}
    wanted |= {""} if always else set()
    if not wanted:
        return
    folder = root / conventions.ARTIFACTS_FOLDER / pipeline.path / conventions.RELEASED_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    compared: dict[str, ComparedVersion | None] = {}
    for name in sorted(wanted):
        order = (name,) if name else tuple(pipeline.environments)[::-1]
        found = _released(root, pipeline.path, order)
        compared[name] = found[0] if found else None
        if found:
            _bring_package(root, *found, folder, pipeline.settings.images.registry)
    document = {"format": conventions.RELEASED_FORMAT, "compared": compared}
    content = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    replace_file(folder / conventions.RELEASED_FILE, content)
    _forget_others(folder, {each.package for each in compared.values() if each})


def bring_released(root: Path, pipeline: Pipeline, environment: str) -> ComparedVersion | None:
    """Leave the package that is released in an environment below the artifacts, whatever gates ask for.

    None where nothing is released there. Raises NotFetched.
    """
    found = _released(root, pipeline.path, (environment,))
    if found is None:
        return None
    folder = root / conventions.ARTIFACTS_FOLDER / pipeline.path / conventions.RELEASED_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _bring_package(root, *found, folder, pipeline.settings.images.registry)
    return found[0]


def _bring_package(
    root: Path, compared: ComparedVersion, record: VersionRecord, folder: Path, registry: str
) -> None:
    try:
        stored_package.bring(root, record, folder / compared.package, registry)
    except PackageNowhere as nowhere:
        message = f"{compared.environment} has a release that gates compare with: {nowhere}"
        raise NotFetched(message, nowhere.help) from None
    except OSError as error:
        message = f"the package of {compared.version} could not be kept: {error.filename}: {error.strerror}"
        raise NotFetched(message) from None


def _forget_others(folder: Path, kept: set[str]) -> None:
    """Remove packages that no gate compares with any more."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _released(root: Path, model: str, order: tuple[str, ...]) -> tuple[ComparedVersion, VersionRecord] | None:
    """What serves in the first of these environments that has a release."""
    try:
        for environment in order:
            if release := release_file.read(root, environment, model):
                records = version_record.versions_of(root, model)
                record = version_record.version_of(records, release.stable_digests)
                if record is None:
                    raise _unrecorded(release_file.file_of(root, environment, model).relative_to(root), model)
                return ComparedVersion(environment, record.name, record.package), record
    except (release_file.DamagedRelease, version_record.DamagedRecord) as damaged:
        raise NotFetched(str(damaged), "take it from git") from None
    return None


def _unrecorded(path: Path, model: str) -> NotFetched:
    versions = f"{conventions.VERSIONS_FOLDER}/{model}"
    return NotFetched(
        f"{path} names an image that no version in {versions} has",
        f"commit that version's record, or release one that has a record: `aimass promote {model}`",
    )
