"""What a package was made from and what it reached, as git, DVC and the stages have it.

A record is made once and believed for years, so everything is held against everything else: the package
against its manifest and against dvc.lock, dvc.lock against what the spec says now, and the spec against git.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aimass_compiler import conventions
from aimass_compiler.delivery import package_image
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs import dvc_files, git
from aimass_compiler.releases.version_record import GateRecord, ServiceTest
from aimass_compiler.render.facts import Contract
from aimass_compiler.stages import MAKING_PACKAGES, artifacts
from aimass_compiler.stages.result_file import read_result

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


class Unpublishable(HintedError):  # noqa: N818  # it reads as what is the case
    """There is a package, but no version may be made of it; the message says why."""


@dataclass(frozen=True)
class PackageProvenance:
    """A package with all that a record says of it."""

    model: str
    folder: Path
    package: str
    """The SHA-256 of its manifest."""
    package_version: str
    package_files: dict[str, str]
    trained_at: str
    parameters: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    slices: dict[str, Any]
    gates: tuple[GateRecord, ...]
    parity: str
    service_test: ServiceTest
    data: dict[str, str]
    commit: str
    contract: Contract
    runtime: dict[str, str]
    trained_with: dict[str, str]


def provenance_of(root: Path, pipeline: Pipeline, spec: Path) -> PackageProvenance:
    """The package that the stages of a model left, if a version may be made of it.

    Raises Unpublishable, and package_image.DamagedPackage.
    """
    model = pipeline.path
    place = root / conventions.ARTIFACTS_FOLDER / model
    folder = place / artifacts.PACKAGE
    reached, report, best = (
        read_result(place / path) for path in (artifacts.REACHED, artifacts.SERVICE_REPORT, artifacts.BEST)
    )
    package = package_image.package_hash(folder)
    version = str(read_result(folder / conventions.SIGNATURE_FILE).get("version"))
    _require_tested(model, version, reached, report)
    run = _run_of(root, pipeline)
    return PackageProvenance(
        model=model,
        folder=folder,
        package=package,
        package_version=version,
        package_files=_files(run, root, folder),
        trained_at=str(reached["trained_at"]),
        parameters={"model": best["model"], **best["parameters"]},
        metrics={split: reached[split] for split in conventions.SPLITS if split in reached},
        slices=dict(reached.get("slices") or {}),
        gates=tuple(_gate(each) for each in reached.get("gates") or ()),
        parity=str((reached.get("parity") or {}).get("statement", "")),
        service_test=ServiceTest(True, dict(report["efficiency"]["latency_milliseconds"])),
        data=run.read(),
        commit=_commit(root, spec),
        contract=_contract(root, model),
        runtime=runtime_of(pipeline),
        trained_with=dict(best.get("libraries") or {}),
    )


def runtime_of(pipeline: Pipeline) -> dict[str, str]:
    """The versions that a server of this compiler runs on, as its pins have them."""
    pins = Path(__file__).parents[1] / pipeline.first_model.artifact.server.pins
    return {found["name"]: found["version"] for found in _PIN.finditer(pins.read_text(encoding="utf-8"))}


def _require_tested(model: str, version: str, reached: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Raises Unpublishable unless exactly this version was measured, and passed its gates and its test."""
    again = f"run `aimass run {model}` first"
    if reached.get("version") != version:
        raise Unpublishable(f"the package of `{model}` does not say what version {version} reached", again)
    if report.get("version") != version:
        raise Unpublishable(f"version {version} of `{model}` was not tested", again)
    if report.get("passed") is not True:
        message = f"version {version} of `{model}` did not pass its test"
        raise Unpublishable(message, f"`aimass run {model}` tests it again and reports what is wrong")


def _run_of(root: Path, pipeline: Pipeline) -> dvc_files.RecordedRun:
    """The run that dvc.lock records, which is one of what the spec says now. Raises Unpublishable."""
    folder = root / conventions.GENERATED_FOLDER / pipeline.path
    again = f"`aimass run {pipeline.path}` brings it up to date"
    try:
        run = dvc_files.recorded_run(folder / conventions.DVC_LOCK)
    except dvc_files.NoRun as missing:
        raise Unpublishable(f"DVC has no run of `{pipeline.path}` on record: {missing}", again) from None
    if key := run.changed_key(read_result(folder / conventions.PIPELINE_FILE), MAKING_PACKAGES):
        message = f"the package of `{pipeline.path}` was made with another `{key}` than the spec has now"
        raise Unpublishable(message, again)
    return run


def _files(run: dvc_files.RecordedRun, root: Path, folder: Path) -> dict[str, str]:
    """By what DVC keeps each file of the package. Raises Unpublishable where it has others on record."""
    start = f"{folder.relative_to(root).as_posix()}/"
    recorded = {
        path.removeprefix(start): digest
        for path, digest in run.left("package").items()
        if path.startswith(start)
    }
    for name, digest in recorded.items():
        path = folder / name
        if path.is_file() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != digest:
            message = f"{start}{name} is not the file that {conventions.DVC_LOCK} records"
            raise Unpublishable(message, "`dvc checkout` brings that one, a run makes another")
    return recorded


def _gate(document: Mapping[str, Any]) -> GateRecord:
    split = document.get("split", "test")
    of_split = "" if split == "test" else f" on {split}"
    name = f"{document.get('name') or document['metric']} {document['condition']}{of_split}"
    return GateRecord(name, bool(document["passed"]), document.get("value"))


def _commit(root: Path, spec: Path) -> str:
    """The commit that has the recipe, or nothing without git. Raises Unpublishable where it is in none."""
    commit = git.head(root)
    if not commit:
        return ""
    recipe = [spec.relative_to(root).as_posix()]
    if (root / conventions.SETTINGS_FILE).is_file():
        recipe.append(conventions.SETTINGS_FILE)
    for path in recipe:
        if not git.are_committed([path], root):
            message = f"{path} is not as commit {commit[:12]} has it, which the record would name"
            raise Unpublishable(message, "commit it, then publish")
    return commit


def _contract(root: Path, model: str) -> Contract:
    """What the compiler knows of the served contract. Raises Unpublishable."""
    path = root / conventions.GENERATED_FOLDER / model / conventions.RESOLVED_FILE
    try:
        return msgspec.convert(read_result(path)["contract"], type=Contract)
    except (KeyError, msgspec.ValidationError) as error:
        message = f"{path.relative_to(root).as_posix()} has no contract of this compiler: {error}"
        raise Unpublishable(message, "`aimass compile --force` writes it again") from None
