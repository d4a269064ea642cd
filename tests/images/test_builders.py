"""The program that is there builds and pushes; the same files are the same image."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.programs import image_builders
from aimass_compiler.programs.registry import Repository

if TYPE_CHECKING:
    from tests.harness.image_registry import Registry

needs_buildah = pytest.mark.skipif(
    shutil.which("buildah") is None, reason="no buildah, which Linux has packages of"
)


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def place(image_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A registry that builders may push to without TLS, and a store of images that is gone with the test."""
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    folders = f'graphroot = "{tmp_path / "store"}"\nrunroot = "{tmp_path / "run"}"'
    storage.write_text(f'[storage]\ndriver = "vfs"\n{folders}\n')
    registries.write_text(f'[[registry]]\nlocation = "{image_registry.place}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(registries))
    return image_registry.place


def context(folder: Path, mask: int) -> Path:
    """A context as another checkout, under another umask, would have it."""
    before = os.umask(mask)
    try:
        (folder / "model").mkdir(parents=True)
        (folder / "model" / "model.onnx").write_bytes(b"graph")
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY --chmod=644 model/model.onnx /model.onnx\n")
    finally:
        os.umask(before)
    return folder


@needs_buildah
def test_a_pushed_image_is_told_by_its_digest_and_is_the_same_from_elsewhere(
    place: str, tmp_path: Path
) -> None:
    builder, digests = image_builders.named("buildah"), []
    for name, mask in (("here", 0o022), ("else where", 0o077)):
        folder = context(tmp_path / name, mask)
        os.utime(folder / "model" / "model.onnx", (len(digests), len(digests)))
        image = f"{place}/ml/churn:{name.replace(' ', '-')}"
        image_builders.run(builder.build_command(image, str(folder), {}))
        digests.append(builder.push(image))
    repository = Repository(f"{place}/ml/churn")
    manifest = repository.manifest("here")
    assert digests == [manifest.digest] * 2
    config = json.loads(repository.blob(manifest.document["config"]))
    assert config["created"] == "1970-01-01T00:00:00Z"


@needs_buildah
def test_a_build_that_fails_says_with_which_command(place: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY missing /missing\n")
    command = image_builders.named("buildah").build_command(f"{place}/ml/churn:1", str(tmp_path), {})
    with pytest.raises(image_builders.BuilderError, match=r"`buildah build .* failed with exit code"):
        image_builders.run(command)


@pytest.mark.parametrize(
    ("there", "first"),
    [
        (("docker", "podman", "buildah"), "buildah"),
        (("docker", "podman"), "podman"),
        (("docker",), "docker"),
    ],
    ids=str,
)
def test_the_first_that_is_there_builds(
    there: tuple[str, ...], first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        program(tmp_path / "bin", name, "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert image_builders.find().program == first


def test_without_any_the_way_out_names_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(image_builders.BuilderError, match=r"`buildah`, `podman` or `docker`"):
        image_builders.find()
    with pytest.raises(image_builders.BuilderError, match="`podman` is not on the PATH"):
        image_builders.named("podman")


def test_docker_says_the_digest_of_what_it_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = f"sha256:{'1' * 64}"
    said = f"aaaa: Pushed\nspec-1: digest: {digest} size: 1234"
    program(tmp_path / "bin", "docker", f"[ \"$*\" = 'push ml/churn:spec-1' ] && echo '{said}'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert image_builders.named("docker").push("ml/churn:spec-1") == digest


def test_secrets_are_named_as_the_dockerfile_does() -> None:
    command = image_builders.BUILDERS[0].build_command("ml/churn:1", "context", {"pip": Path("pip.conf")})
    assert command == [
        *("buildah", "build", "--force-rm", "--layers", "--timestamp=0"),
        "--secret=id=pip,src=pip.conf",
        *("--tag", "ml/churn:1", "context"),
    ]
