"""Records of versions and releases for the projects of tests, without a run and a registry."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord
from aimass_compiler.render.facts import Contract

_REGISTRY = "registry.example.com/ml"
_CONTRACT = Contract(
    task="classification", target="churned", classes=("no", "yes"), positive="yes", columns={}
)


def recorded(root: Path, model: str, number: int = 1, package: str = "", **changes: Any) -> VersionRecord:
    """A version on record; its package is called by this hash, or by one of its own."""
    package = package or hashlib.sha256(f"{model} {number}".encode()).hexdigest()
    name = f"v{number}-{package[:8]}"
    values: dict[str, Any] = {
        "model": model,
        "name": name,
        "package": package,
        "package_version": package[:12],
        "image": _image(model, name),
        "package_image": _image(f"{model}-package", name),
        "server_image": _image("aimass-server", "0.1.0"),
        "compiler": "0.1.0",
        "commit": "",
        "data": {"data/customers.csv": "0" * 32},
        "parameters": {},
        "metrics": {"test": {"roc_auc": 0.8}},
        "gates": (),
        "service_test": None,
        "contract": _CONTRACT,
        "runtime": {},
        "trained_at": "2026-11-24T12:00:00Z",
    }
    record = VersionRecord(**values | changes)
    path = version_record.file_of(root, model, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(version_record.encoded(record))
    return record


def _image(name: str, version: str) -> ImageDigest:
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    return ImageDigest(f"{_REGISTRY}/{name}", f"sha256:{digest}")


def release_of(record: VersionRecord, environment: str, **changes: Any) -> Release:
    """The release of a version."""
    assert record.image is not None
    values = {"images": {record.model: record.image}, "version": record.name} | changes
    return Release(environment=environment, model=record.model, **values)


def released(root: Path, record: VersionRecord, *environments: str, **changes: Any) -> None:
    """Release a version in these environments."""
    for environment in environments:
        path = release_file.file_of(root, environment, record.model)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(release_file.edited(before, release_of(record, environment, **changes)))
