"""A project whose model was run: packaged by hand, but served, recorded and published for real."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cli.projects import SPEC, Project
from server import packages

from aimass_compiler.cli import main
from aimass_compiler.programs.oci import CONFIG, LAYER, MANIFEST, Blob, ImageManifest, encoded
from aimass_compiler.programs.registry import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.image_registry import Registry

ARTIFACTS = "artifacts/churn"
REACHED: dict[str, Any] = {
    "trained_at": "2026-01-02T03:04:05Z",
    "train": {"roc_auc": 0.95},
    "test": {"roc_auc": 0.9},
    "slices": {"plan": {"pro": {"roc_auc": 0.8}}},
    "gates": [{"metric": "roc_auc", "name": "roc_auc", "split": "test", "condition": "min 0.8",
               "value": 0.9, "passed": True, "reason": ""}],
}  # fmt: skip
BEST = {
    "model": "logistic_regression",
    "parameters": {"c": 0.5},
    "libraries": {"scikit-learn": "1.9.1"},
    "trained_at": "2026-01-02T03:04:05Z",
}


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one spec, compiled, whose stages were run."""
    root = tmp_path_factory.mktemp("published")
    (root / "specs").mkdir()
    (root / "specs" / "churn.yaml").write_text(SPEC, encoding="utf-8")
    assert main(["compile", "--root", str(root)]) == 0
    place = root / ARTIFACTS
    package = packages.churn(place / "package/model")
    version = json.loads((package / "signature.json").read_text())["version"]
    tested = {"version": version, "passed": True, "efficiency": {"latency_milliseconds": {"p99": 3.0}}}
    results = {
        "package/metrics.json": {"version": version, **REACHED},
        "test/report.json": tested,
        "train/best.json": BEST,
    }
    for path, document in results.items():
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text(json.dumps(document), encoding="utf-8")
    lock(root)
    return root


def lock(root: Path) -> None:
    """Have on record what DVC would have after a run of what the spec says now."""
    now = json.loads((root / "generated/churn/pipeline.json").read_text())
    package = root / ARTIFACTS / "package/model"
    outs = [
        {
            "path": path.relative_to(root).as_posix(),
            "hash": "md5",
            "md5": hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(),
        }
        for path in sorted(package.iterdir())
    ]
    read = [{"path": "data/customers.csv", "hash": "md5", "md5": "0" * 32, "size": 1}]
    left = [{"path": f"{ARTIFACTS}/prepare/test.parquet", "hash": "md5", "md5": "1" * 32}]
    parameters = {
        "generated/churn/pipeline.json": {"data.columns": now["data"]["columns"], "model": now["model"]}
    }
    stages = {
        "prepare": {"cmd": "prepare", "deps": read, "params": parameters, "outs": left},
        "package": {"cmd": "package", "deps": left, "params": parameters, "outs": outs},
    }
    (root / "generated/churn/dvc.lock").write_text(
        json.dumps({"schema": "2.0", "stages": stages}), encoding="utf-8"
    )


@pytest.fixture
def project(
    compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    """The same in a folder of the test's own, without git and without a registry."""
    shutil.copytree(compiled, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    for name in (
        "GITHUB_SERVER_URL",
        "GITHUB_REPOSITORY",
        "GITHUB_RUN_ID",
        "REGISTRY_USER",
        "REGISTRY_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)
    return Project(tmp_path / "project", capsys)


def git(root: Path, *words: str) -> str:
    """What git answers."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def image_of_server(
    files: bytes = b"the server", platform: str = "amd64"
) -> tuple[ImageManifest, list[Blob]]:
    """A small image in the place of the server's."""
    layer = Blob.of(files)
    about = {
        "architecture": platform,
        "os": "linux",
        "config": {"Entrypoint": ["python"], "User": "10001"},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    }
    config = Blob.of(encoded(about))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(CONFIG),
        "layers": [layer.descriptor(LAYER)],
    }
    return ImageManifest.of(manifest), [layer, config]


def push_server(repository: Repository, tag: str, files: bytes = b"the server") -> ImageManifest:
    """Push a small image in the place of the server's."""
    manifest, blobs = image_of_server(files)
    for blob in blobs:
        repository.push_blob(blob)
    repository.push_manifest(manifest, tag)
    return manifest


@pytest.fixture
def served(project: Project, image_registry: Registry) -> Project:
    """The project with a registry that has the image of this compiler's server, all of it committed."""
    from aimass_compiler.catalog.model import model_named
    from aimass_compiler.render.image import server_image

    project.write("aimass.yaml", f"images: {{registry: {image_registry.place}/ml}}\n")
    context = server_image.context("python:3.11-slim", model_named("logistic_regression").artifact.server)
    push_server(Repository(f"{image_registry.place}/ml/aimass-server"), server_image.server_tag(context))
    assert project.aimass("compile").code == 0
    commit(project.root)
    return project


def commit(root: Path) -> str:
    """Commit all of a project; answers the commit."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet")
        (root / ".git/info/exclude").write_text("artifacts\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")
    return git(root, "rev-parse", "HEAD")
