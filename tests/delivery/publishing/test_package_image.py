"""The same package is the same layer anywhere, which everyone may read, and goes on any server's image."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from aimass_compiler.delivery import package_image
from aimass_compiler.delivery.image_push import push, server_at
from aimass_compiler.delivery.package_image import DamagedPackage, ImageDescription
from aimass_compiler.programs.oci import CONFIG, INDEX, LAYER, MANIFEST, OF_DOCKER, ImageManifest
from aimass_compiler.programs.registry import Repository, TagTaken
from delivery.publishing.conftest import image_of_server
from tests.harness.image_registry import Registry

DESCRIBED = ImageDescription(
    "churn", "v1-12345678", "f" * 64, "Who leaves", "growth@example.com", "abc", "2026-01-02T03:04:05Z"
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def package(compiled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(compiled / "artifacts/churn/package/model", tmp_path / "package"))


def test_the_same_files_are_the_same_layer_whatever_their_times_and_modes(
    package: Path, tmp_path: Path
) -> None:
    first = package_image.layer_of(package, "model", tmp_path / "first.tar")
    other = Path(shutil.copytree(package, tmp_path / "other"))
    (other / ".model.onnx.swp").write_bytes(b"an editor's")
    for path in other.iterdir():
        path.chmod(0o600)
        os.utime(path, (1, 1))
    assert package_image.layer_of(other, "model", tmp_path / "second.tar").digest == first.digest
    with tarfile.open(tmp_path / "first.tar") as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == [
        "model",
        *(f"model/{name}" for name in names(package)),
    ]
    assert {(entry.mode, entry.uid, entry.gid, entry.mtime, entry.uname) for entry in entries} == {
        (0o755, 0, 0, 0, ""),
        (0o644, 0, 0, 0, ""),
    }


def test_alone_its_files_lie_at_the_root_of_an_image_with_a_configuration(
    package: Path, tmp_path: Path
) -> None:
    layer = package_image.layer_of(package, "", tmp_path / "layer.tar")
    with tarfile.open(tmp_path / "layer.tar") as archive:
        assert archive.getnames() == names(package)
    image = package_image.alone(layer, DESCRIBED)
    assert image.manifest.document["config"]["mediaType"] == CONFIG
    assert image.manifest.document["annotations"] == {
        "dev.aimass.package": "f" * 64,
        "org.opencontainers.image.authors": "growth@example.com",
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.description": "Who leaves",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.title": "churn",
        "org.opencontainers.image.version": "v1-12345678",
    }
    assert json.loads(bytes(image.blobs[0].content))["rootfs"]["diff_ids"] == [layer.digest]  # type: ignore[arg-type]  # it is in memory


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda package: (package / "model.onnx").write_bytes(b"another"),
            "is not the file that was packaged",
        ),
        (
            lambda package: (package / "model.onnx").unlink(),
            "model.onnx is missing, which the package's manifest",
        ),
        (lambda package: (package / "more.txt").write_bytes(b"more"), "is not the file that was packaged"),
        (lambda package: (package / "manifest.json").write_text("[]"), "lists no files"),
        (lambda package: (package / "manifest.json").unlink(), "has no manifest.json"),
    ],
)
def test_a_package_that_is_not_as_its_manifest_says_becomes_no_layer(
    damage: object, message: str, package: Path, tmp_path: Path
) -> None:
    damage(package)  # type: ignore[operator]  # a function of the table
    with pytest.raises(DamagedPackage, match=message):
        package_image.layer_of(package, "", tmp_path / "layer.tar")


def test_the_layer_goes_on_the_servers_and_is_what_containers_see_at_last(
    package: Path, tmp_path: Path, image_registry: Registry
) -> None:
    server, blobs = image_of_server()
    below = Repository(f"{image_registry.place}/ml/aimass-server")
    for blob in blobs:
        below.push_blob(blob)
    below.push_manifest(server, "1")
    found, place = server_at(f"{below.name}:1")
    layer = package_image.layer_of(package, "model", tmp_path / "layer.tar")
    image = package_image.on_server(layer, found, DESCRIBED)
    store = Repository(f"{image_registry.place}/ml/churn")
    pushed = push(image, store, "v1", place)
    document = store.manifest("v1").document
    assert [each["digest"] for each in document["layers"]] == [blobs[0].digest, layer.digest]
    assert document["annotations"]["org.opencontainers.image.base.digest"] == server.digest
    config = json.loads(store.blob(document["config"]))
    assert config["rootfs"]["diff_ids"] == [blobs[0].digest, layer.digest]
    assert config["config"] == {"Entrypoint": ["python"], "User": "10001"}
    # A run that was cut off before the record was written finds its image, whoever owns the model by now.
    again = package_image.on_server(layer, found, replace(DESCRIBED, owner="else@example.com"))
    assert push(again, store, "v1", place).digest == pushed.digest
    with pytest.raises(TagTaken):
        push(package_image.on_server(layer, found, replace(DESCRIBED, package="e" * 64)), store, "v1", place)


def test_every_platform_of_a_server_gets_the_layer(
    package: Path, tmp_path: Path, image_registry: Registry
) -> None:
    below = Repository(f"{image_registry.place}/ml/aimass-server")
    entries = []
    for platform in ("amd64", "arm64"):
        manifest, blobs = image_of_server(platform.encode(), platform)
        for blob in blobs:
            below.push_blob(blob)
        below.push_manifest(manifest)
        entries.append({**manifest.descriptor, "platform": {"os": "linux", "architecture": platform}})
    provenance = {
        **entries[0],
        "digest": entries[1]["digest"],
        "platform": {"os": "unknown", "architecture": "unknown"},
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*entries, provenance]}
    below.push_manifest(ImageManifest.of(index), "1")
    found, place = server_at(f"{below.name}:1")
    layer = package_image.layer_of(package, "model", tmp_path / "layer.tar")
    store = Repository(f"{image_registry.place}/ml/churn")
    push(package_image.on_server(layer, found, DESCRIBED), store, "v1", place)
    listed = store.manifest("v1").document["manifests"]
    assert [each["platform"]["architecture"] for each in listed] == ["amd64", "arm64"]
    for each in listed:
        part = store.manifest(each["digest"]).document
        assert part["layers"][-1]["digest"] == layer.digest
        assert json.loads(store.blob(part["config"]))["architecture"] == each["platform"]["architecture"]


def test_an_image_that_docker_pushed_becomes_one_of_the_standard(
    package: Path, tmp_path: Path, image_registry: Registry
) -> None:
    docker = {ours: name for name, ours in OF_DOCKER.items()}
    manifest, blobs = image_of_server()
    document = json.loads(manifest.content)
    document["mediaType"] = docker[MANIFEST]
    document["config"]["mediaType"] = docker[CONFIG]
    document["layers"][0]["mediaType"] = docker[LAYER]
    below = Repository(f"{image_registry.place}/ml/aimass-server")
    for blob in blobs:
        below.push_blob(blob)
    below.push_manifest(ImageManifest.of(document), "1")
    found, place = server_at(f"{below.name}:1")
    layer = package_image.layer_of(package, "model", tmp_path / "layer.tar")
    store = Repository(f"{image_registry.place}/ml/churn")
    push(package_image.on_server(layer, found, DESCRIBED), store, "v1", place)
    made = store.manifest("v1").document
    assert [each["mediaType"] for each in (made, made["config"], *made["layers"])] == [
        MANIFEST,
        CONFIG,
        LAYER,
        LAYER,
    ]
