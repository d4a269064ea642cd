"""An artifact of any kind answers which files a stage leaves, and what names their version."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.artifact import Artifact
from aimass_compiler.catalog.artifacts.onnx_graph import OnnxGraph
from aimass_compiler.stages import STAGES

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = {stage.name: stage.leaves for stage in STAGES}


class Weights(Artifact[Any]):
    """A folder of weights beside its settings, without golden rows and without a reference for drift."""

    files = ("weights", "config.json")
    package_format = "weights/v1"
    companions = frozenset({"signature.json", "manifest.json"})

    write = calibrate = scorer = package = responder = None  # type: ignore[assignment]  # nothing here asks them


def made(folder: Path, part: bytes = b"1") -> Path:
    (folder / "weights" / "deep").mkdir(parents=True)
    (folder / "weights" / "deep" / "part").write_bytes(part)
    (folder / "config.json").write_bytes(b"{}")
    return folder


def test_a_stage_leaves_the_files_of_its_artifact() -> None:
    assert next(OnnxGraph().places(LEAVES["train"])) == "train/model.onnx"
    assert list(Weights().places(LEAVES["train"]))[:2] == ["train/weights", "train/config.json"]


def test_a_package_has_only_the_documents_that_its_artifact_knows() -> None:
    assert list(OnnxGraph().places(LEAVES["package"])) == [
        "package/model/model.onnx",
        "package/model/signature.json",
        "package/model/reference.json",
        "package/model/golden.json",
        "package/model/model_card.md",
        "package/model/manifest.json",
        "package/metrics.json",
    ]
    assert list(Weights().places(LEAVES["package"])) == [
        "package/model/weights",
        "package/model/config.json",
        "package/model/signature.json",
        "package/model/manifest.json",
        "package/metrics.json",
    ]


def test_every_file_of_a_folder_is_part_of_the_version(tmp_path: Path) -> None:
    one, same, other = (
        Weights().version(made(tmp_path / name, part))
        for name, part in zip("abc", (b"1", b"1", b"2"), strict=True)
    )
    assert one == same == hashlib.sha256(b"1{}").hexdigest()[:12]
    assert other != one
    assert Weights().size(tmp_path / "a") == 3
