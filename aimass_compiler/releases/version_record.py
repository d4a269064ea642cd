"""What was made, once: `versions/MODEL/vN-HASH.json`, written by who trains and never changed.

A version that turned out bad gets a second file, `vN-HASH.rejected.json`, so that the record stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from aimass_compiler import conventions, model_path
from aimass_compiler.render.facts import Contract

_NAME = re.compile(r"v(?P<number>[1-9][0-9]*)-(?P<hash>[0-9a-f]{8})")
_REJECTED = ".rejected.json"


class ImageDigest(Struct, frozen=True):
    """An image as a registry knows it."""

    name: str
    """The repository, without tag and digest."""
    digest: str
    """`sha256:` and 64 hexadecimal digits, of its manifest."""

    @property
    def reference(self) -> str:
        """What a manifest names it by."""
        return f"{self.name}@{self.digest}"

    @property
    def is_in_registry(self) -> bool:
        """Whether it was pushed; without a registry, it is named as if it were in one."""
        return self.name.partition("/")[0] != conventions.NO_REGISTRY


class GateRecord(Struct, frozen=True):
    """One condition that the model was held to."""

    gate: str
    """As people read it, such as `roc_auc min 0.8`."""
    passed: bool
    value: float | None = None


class ServiceTest(Struct, frozen=True):
    """What asking the packaged model as a server said."""

    passed: bool
    latency_ms: dict[str, float] = field(default_factory=dict)
    """By percentile, such as `p99`."""


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Documents about a version that lie beside its images, each by the digest of the manifest that refers
    to the image it is about; empty where there is none."""

    bom: str = ""
    """The bill of materials of the model, about the image of the package."""
    sbom: str = ""
    """The bill of materials of the image of server and package."""
    signature: str = ""
    """The signature of the package's files, about the image of the package."""
    provenance: str = ""
    """The signed statement of what this record says, about the image of the package."""


class VersionRecord(Struct, frozen=True, kw_only=True):
    """One version of a model, and all that it came from."""

    format: Literal[conventions.VERSION_FORMAT] = conventions.VERSION_FORMAT  # type: ignore[valid-type]  # the constant's value
    model: str
    """Its path."""
    name: str
    """`v17-4be17c20`: its number, and the first of the package's hash."""
    package: str
    """SHA-256 of the package's manifest.json, which holds the hash of each of its files."""
    package_version: str
    """What the package calls itself, as the server and its metrics say it."""
    image: ImageDigest | None
    """Server and package in one; None where it was never pushed."""
    package_image: ImageDigest
    """The package alone, as a volume or as KServe takes it."""
    server_image: ImageDigest | None
    """What the package is served by; None where none was pushed."""
    compiler: str
    """The compiler's version."""
    commit: str
    """The git commit that it was made from; empty where there was none."""
    data: dict[str, str]
    """The hash that DVC has of each file that was read, by its path."""
    package_files: dict[str, str] = field(default_factory=dict)
    """The MD5 by which DVC keeps each file or folder of the package, by its name there, as the stage
    `package` of dvc.lock has it; empty where DVC does not keep them."""
    parameters: dict[str, Any]
    """The hyperparameters that were chosen."""
    metrics: dict[str, dict[str, float]]
    """By split and metric."""
    slices: dict[str, Any] = field(default_factory=dict)
    """Metrics by slice, as the evaluation has them."""
    gates: tuple[GateRecord, ...]
    parity: str = ""
    """Of a language model, that its forms answer the same, in the words of its certificate."""
    service_test: ServiceTest | None
    contract: Contract
    runtime: dict[str, str]
    """Versions of what it runs on, by name."""
    trained_with: dict[str, str] = field(default_factory=dict)
    """Versions of the libraries that trained it, by name; empty where training did not note them."""
    trained_at: str
    """When training ended, in ISO 8601 and UTC."""
    run: str = ""
    """The address of the workflow's run that made it."""
    rebased_from: str = ""
    """The version with the same package on another server, where that is what it is."""
    evidence: Evidence = Evidence()
    """What lies beside its images, which `aimass publish` wrote and `aimass promote` verifies."""
    attestations: dict[str, str] = field(default_factory=dict)
    """Digests of what others keep of the image, such as GitHub's `provenance`; nothing here verifies them."""

    @property
    def own_images(self) -> tuple[ImageDigest, ...]:
        """The images that were made for it: of the package alone, and of server and package."""
        return tuple(image for image in (self.package_image, self.image) if image is not None)

    @property
    def number(self) -> int:
        """The N of vN."""
        return number_of(self.name)

    def is_called(self, written: str) -> bool:
        """Whether people mean it: by its name, its number, as in `v17`, or by what its server answers."""
        return written in (self.name, short_name(self.name), self.package_version)


class Rejection(Struct, frozen=True, kw_only=True):
    """Why a version may not be promoted any more."""

    reason: str
    by: str
    at: str
    """ISO 8601, in UTC."""


class DamagedRecord(Exception):  # noqa: N818  # it reads as what is the case
    """A record that cannot be read; the message names the file."""


class AmbiguousVersion(Exception):  # noqa: N818  # it reads as what is the case
    """Versions of two branches share a number, or those of two servers a package; `help` is the hint."""

    def __init__(self, written: str, names: list[str]) -> None:
        super().__init__(f"`{written}` is more than one version: {', '.join(names)}")
        self.help = "write the whole name"


def folder_of(root: Path, model: str) -> Path:
    """Where the versions of a model lie."""
    return root / conventions.VERSIONS_FOLDER / model


def models_of(root: Path) -> list[str]:
    """The models that have versions, by their paths, sorted."""
    folder = root / conventions.VERSIONS_FOLDER
    found = (path.parent for pattern in ("*/v*.json", "*/*/v*.json") for path in folder.glob(pattern))
    models = {each.relative_to(folder).as_posix() for each in found}
    return sorted(each for each in models if model_path.team_of(each) not in models)


def versions_of(root: Path, model: str) -> list[VersionRecord]:
    """Every version of a model, from the first to the last.

    Where two branches made versions of one number, the one that was trained later is the later one. Raises
    DamagedRecord.
    """
    paths = (path for path in folder_of(root, model).glob("v*.json") if _NAME.fullmatch(path.stem))
    return sorted((read(path) for path in paths), key=_age)


def _age(record: VersionRecord) -> tuple[int, str, str]:
    return record.number, record.trained_at, record.name


def read(path: Path) -> VersionRecord:
    """One record. Raises DamagedRecord."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=VersionRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedRecord(f"{path} is no record of a version: {error}") from None


def rejection_of(root: Path, model: str, name: str) -> Rejection | None:
    """Why a version was rejected; None where it was not. Raises DamagedRecord."""
    path = rejection_file(root, model, name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Rejection)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedRecord(f"{path} does not say why a version was rejected: {error}") from None


def file_of(root: Path, model: str, name: str) -> Path:
    """Where the record of a version lies."""
    return folder_of(root, model) / f"{name}.json"


def rejection_file(root: Path, model: str, name: str) -> Path:
    """Where a version's rejection lies."""
    return folder_of(root, model) / f"{name}{_REJECTED}"


def encoded(record: VersionRecord | Rejection) -> bytes:
    """The file's bytes: the same for the same record."""
    return msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2) + b"\n"


def next_name(existing: list[VersionRecord], package: str) -> str:
    """The name of the version that follows these, with this package."""
    return f"v{max((each.number for each in existing), default=0) + 1}-{package[:8]}"


def number_of(name: str) -> int:
    """The N of `vN-HASH`. Raises ValueError where it is no name of a version."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(name)
    return int(found["number"])


def short_name(name: str) -> str:
    """The `vN` of `vN-HASH`, for titles."""
    return name.partition("-")[0]


def is_of(record: VersionRecord, digests: Mapping[str, str]) -> bool:
    """Whether images with these digests, by the names that manifests have for them, run this version."""
    model, server = digests.get(model_path.name_of(record.model)), digests.get(conventions.SERVER_IMAGE)
    if record.image is not None and model == record.image.digest:
        return True
    is_served_so = None in (server, record.server_image) or server == _digest(record.server_image)
    return model == record.package_image.digest and is_served_so


def _digest(image: ImageDigest | None) -> str:
    return image.digest if image else ""


def version_of(records: list[VersionRecord], digests: Mapping[str, str]) -> VersionRecord | None:
    """The version that these images run; the newest, where several are made of the same."""
    return next((each for each in reversed(records) if is_of(each, digests)), None)


def version_called(records: list[VersionRecord], written: str) -> VersionRecord | None:
    """The version that is called so, as `is_called` has it. Raises AmbiguousVersion."""
    found = [each for each in records if each.is_called(written)]
    if len(found) > 1:
        raise AmbiguousVersion(written, [each.name for each in found])
    return next(iter(found), None)
