"""Bases of a hub and of a registry are fetched as they were named, whole, and without what could run."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.catalog import base_model
from aimass_compiler.catalog.base_model import BaseError, HubBase, OciBase
from aimass_compiler.delivery import base_image
from aimass_compiler.programs.oci import CONFIG, LAYER, MANIFEST, Blob, ImageManifest
from aimass_compiler.programs.registry import Repository
from tests.harness.model_hub import REPOSITORY, REVISION, Hub, hub_of

if TYPE_CHECKING:
    from scripts.cluster.image_registry import Registry

FILES = {
    "config.json": b"{}",
    "model.safetensors": bytes(range(256)),
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "modeling_small.py": b"code",
}
WANTED = {"config.json", "model.safetensors", "tokenizer.json"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    (tmp_path / "files").mkdir()
    for name, content in FILES.items():
        (tmp_path / "files" / name).write_bytes(content)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    base_model._snapshot.cache_clear()
    with hub_of(tmp_path / "files") as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        yield found


def of_hub(**other: str) -> HubBase:
    return HubBase.model_validate({"hub": REPOSITORY, "revision": REVISION, **other})


def test_a_repository_of_a_hub_is_fetched_without_pickles_and_code(hub: Hub, tmp_path: Path) -> None:
    found = of_hub().folder(tmp_path)
    assert {path.name for path in found.iterdir()} == WANTED
    assert (found / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    asked = len(hub.asked)
    assert of_hub().folder(tmp_path) == found
    assert len(hub.asked) == asked


def test_what_was_damaged_on_its_way_is_told_and_fetched_again(hub: Hub, tmp_path: Path) -> None:
    hub.damaged["model.safetensors"] = bytes(256)  # as long as it should be
    with pytest.raises(BaseError, match=r"model\.safetensors of acme/small@0123456789ab was damaged"):
        of_hub().folder(tmp_path)
    hub.damaged.clear()
    assert (of_hub().folder(tmp_path) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"revision": "f" * 40}, "it has no such commit"),
        ({"hub": "acme/none"}, "there is no such repository"),
    ],
)
def test_what_a_hub_has_not_is_told(hub: Hub, tmp_path: Path, other: dict[str, str], reason: str) -> None:
    del hub
    with pytest.raises(BaseError, match=reason):
        of_hub(**other).folder(tmp_path)


def test_a_hub_that_does_not_answer_is_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hub
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BaseError, match="cannot be fetched") as failure:
        of_hub().folder(tmp_path)
    assert "HF_ENDPOINT" in failure.value.help


def archive(files: dict[str, bytes], compression: str = "") -> Blob:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode=f"w:{compression}") as found:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            found.addfile(entry, io.BytesIO(content))
    return Blob.of(written.getvalue())


def pushed(registry: Registry, *layers: tuple[Blob, dict[str, Any]]) -> OciBase:
    """An image with these layers, and more of their descriptors."""
    repository, config = Repository(f"{registry.place}/bases/small"), Blob.of(b"{}")
    for blob in (config, *(layer for layer, _ in layers)):
        repository.push_blob(blob)
    manifest = ImageManifest.of(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": [blob.descriptor(LAYER) | more for blob, more in layers],
        }
    )
    repository.push_manifest(manifest)
    return OciBase.model_validate({"oci": f"{registry.place}/bases/small@{manifest.digest}"})


def bring(root: Path, base: OciBase) -> Path:
    task = SimpleNamespace(conversation=SimpleNamespace(base=base))
    settings = SimpleNamespace(images=SimpleNamespace(registry=""))
    pipeline: Any = SimpleNamespace(task=task, settings=settings)
    base_image.bring(root, pipeline)
    return base.folder(root)


def test_an_image_is_unpacked_wherever_its_layers_have_the_base(
    image_registry: Registry, tmp_path: Path
) -> None:
    small, large = (
        {name: content for name, content in FILES.items() if (name == "model.safetensors") == is_large}
        for is_large in (False, True)
    )
    below = archive({f"models/{name}": content for name, content in small.items()}, "gz")
    weights = archive({f"models/{name}": content for name, content in large.items()})
    found = bring(tmp_path, pushed(image_registry, (below, {}), (weights, {})))
    assert {path.name: path.read_bytes() for path in found.iterdir()} == FILES
    alone = [
        (Blob.of(FILES[name]), {"annotations": {"org.opencontainers.image.title": name}}) for name in WANTED
    ]
    assert {path.name for path in bring(tmp_path, pushed(image_registry, *alone)).iterdir()} == WANTED


def test_an_image_that_is_no_base_is_told_and_nothing_is_left(
    image_registry: Registry, tmp_path: Path
) -> None:
    missing = OciBase.model_validate({"oci": f"{image_registry.place}/bases/small@sha256:{'0' * 64}"})
    with pytest.raises(BaseError, match="there is no image"):
        bring(tmp_path, missing)
    with pytest.raises(BaseError, match=r"has no config\.json, so it is no base"):
        bring(tmp_path, pushed(image_registry, (archive({"README.md": b"hello"}), {})))
    with pytest.raises(BaseError, match="neither a tar archive nor a named file"):
        bring(tmp_path, pushed(image_registry, (Blob.of(b"no archive"), {})))
    outside = archive({"config.json": b"{}", "../outside": b"x"})
    with pytest.raises(BaseError, match="no archive that can be read"):
        bring(tmp_path, pushed(image_registry, (outside, {})))
    gone = OciBase.model_validate({"oci": f"127.0.0.1:9/bases/small@sha256:{'0' * 64}"})
    with pytest.raises(BaseError, match="cannot be fetched"):
        bring(tmp_path, gone)
    assert [*(tmp_path / "artifacts" / "bases").iterdir()] == []
