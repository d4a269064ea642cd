"""A registry is asked, given images and refused by as its API says, whatever it wants to see first."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from aimass_compiler.programs.oci import CONFIG, LAYER, MANIFEST, Blob, ImageLayout, ImageManifest, file_blob
from aimass_compiler.programs.registry import (
    NoSuchImage,
    RegistryError,
    RegistryRefuses,
    Repository,
    TagTaken,
    digest_exists,
    parted,
)
from tests.harness import image_registry as harness
from tests.harness.image_registry import PASSWORD, USER, Registry, running
from tests.harness.loopback import Answers, Server

FILES = Blob.of(b"files of a model")
SETTINGS = Blob.of(b"{}")


def image(layer: Blob = FILES, **annotations: str) -> ImageManifest:
    return ImageManifest.of(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": SETTINGS.descriptor(CONFIG),
            "layers": [layer.descriptor(LAYER)],
            "annotations": annotations,
        }
    )


def pushed(
    store: Repository | ImageLayout, tag: str = "v1", manifest: ImageManifest | None = None
) -> ImageManifest:
    manifest = manifest or image()
    for blob in (FILES, SETTINGS):
        store.push_blob(blob)
    store.push_manifest(manifest, tag)
    return manifest


@pytest.fixture(autouse=True)
def logged_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials but those of the test; answers the folder of Docker's settings."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("REGISTRY_USER", "REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_what_is_pushed_is_there_by_tag_and_digest(image_registry: Registry) -> None:
    name = f"{image_registry.place}/ml/churn"
    repository = Repository(name)
    assert repository.digest("v1") is None
    manifest = pushed(repository)
    assert repository.digest("v1") == repository.digest(manifest.digest) == manifest.digest
    assert repository.manifest("v1").content == manifest.content
    assert repository.blob(FILES.descriptor(LAYER)) == FILES.content
    assert digest_exists(f"{name}@{manifest.digest}")
    assert not digest_exists(f"{name}@sha256:{'0' * 64}")
    assert not digest_exists(f"{image_registry.place}/ml/other:v1")
    with pytest.raises(NoSuchImage, match=f"there is no image {name}:v2"):
        repository.manifest("v2")
    with pytest.raises(NoSuchImage):
        repository.blob({"digest": f"sha256:{'0' * 64}", "size": 1})


def test_a_file_is_streamed_both_ways(image_registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"w" * 5_000_000)
    repository, blob = Repository(f"{image_registry.place}/ml/churn"), file_blob(path)
    repository.push_blob(blob)
    repository.fetch_blob(blob.descriptor(LAYER), tmp_path / "again")
    assert file_blob(tmp_path / "again").digest == blob.digest


def test_a_tag_never_moves(image_registry: Registry) -> None:
    repository = Repository(f"{image_registry.place}/ml/churn")
    first = pushed(repository)
    pushed(repository)
    with pytest.raises(TagTaken, match=rf"ml/churn:v1 is another image already \({first.digest}\)"):
        pushed(repository, "v1", image(note="another"))
    assert repository.digest("v1") == first.digest


def test_blobs_of_another_repository_are_mounted(image_registry: Registry) -> None:
    source, target = (Repository(f"{image_registry.place}/ml/{name}") for name in ("server", "churn"))
    source.push_blob(FILES)
    assert not target.has_blob(FILES.digest)
    target.mount_blob(FILES.descriptor(LAYER), source)
    assert target.blob(FILES.descriptor(LAYER)) == FILES.content


def test_blobs_of_another_registry_are_sent(image_registry: Registry, tmp_path: Path) -> None:
    target = Repository(f"{image_registry.place}/ml/churn")
    with running(tmp_path) as elsewhere:
        source = Repository(f"{elsewhere.place}/ml/server")
        source.push_blob(FILES)
        target.mount_blob(FILES.descriptor(LAYER), source)
    assert target.blob(FILES.descriptor(LAYER)) == FILES.content


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for a name and a password."""
    harness.need()
    folder = tmp_path_factory.mktemp("guarded")
    with running(folder, harness.htpasswd(folder)) as registry:
        yield registry


def test_who_is_not_known_is_refused_with_what_to_do(guarded: Registry) -> None:
    with pytest.raises(RegistryRefuses, match=r"refuses to say what .* has: 401 Unauthorized") as refused:
        pushed(Repository(f"{guarded.place}/ml/churn"))
    assert refused.value.help.startswith(f"log in with `docker login {guarded.place}`, or set REGISTRY_USER")


def test_the_log_in_of_docker_counts(guarded: Registry, logged_out: Path) -> None:
    shown = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (logged_out / "config.json").write_text(json.dumps({"auths": {guarded.place: {"auth": shown}}}))
    pushed(Repository(f"{guarded.place}/ml/churn"))


def test_a_credential_helper_of_docker_is_asked(
    guarded: Registry, logged_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logged_out / "config.json").write_text(json.dumps({"credHelpers": {guarded.place: "safe"}}))
    helper = logged_out / "docker-credential-safe"
    helper.write_text(f'#!/bin/sh\necho \'{{"Username": "{USER}", "Secret": "{PASSWORD}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{logged_out}:/usr/bin:/bin")
    pushed(Repository(f"{guarded.place}/ml/churn"))


def test_the_variables_of_ci_are_for_the_projects_own_registry(
    guarded: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_USER", USER)
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    pushed(Repository(f"{guarded.place}/ml/churn", home=f"{guarded.place}/ml"))
    with pytest.raises(RegistryRefuses):
        Repository(f"{guarded.place}/ml/churn", home="registry.example.org/ml").manifest("v1")


def test_a_registry_that_is_not_there_is_named(image_registry: Registry) -> None:
    image_registry.process.stop()
    with pytest.raises(
        RegistryError, match=f"the registry {image_registry.place} gives no answer: (?!HTTP).*refused"
    ):
        Repository(f"{image_registry.place}/ml/churn").digest("v1")


class _Tokens(Answers):
    """A registry that takes a token for each scope, as ghcr.io does, and answers other bytes than asked."""

    server: _TokenServer

    def do_GET(self) -> None:
        address, shown = urlsplit(self.path), self.headers.get("Authorization", "")
        if address.path == "/token":
            (scope,) = parse_qs(address.query)["scope"]
            self.server.asked.append((scope, shown))
            return self.answer(200, json.dumps({"token": scope}).encode())
        needed = f"repository:ml/churn:{'pull' if self.command in ('GET', 'HEAD') else 'pull,push'}"
        if shown != f"Bearer {needed}":
            realm = f"http://{self.server.place}/token"
            challenge = f'Bearer realm="{realm}",service="here",scope="{needed}"'
            return self.answer(401, WWW_Authenticate=challenge)
        if self.command in ("GET", "HEAD"):
            return self.answer(404 if self.command == "HEAD" else 200, b"other bytes")
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        return self.answer(202 if self.command == "POST" else 201, Location="/v2/upload?state=1")

    do_HEAD = do_POST = do_PUT = do_GET


class _TokenServer(Server):
    def __init__(self) -> None:
        super().__init__(_Tokens)
        self.asked: list[tuple[str, str]] = []


@pytest.fixture
def tokens() -> Iterator[_TokenServer]:
    with _TokenServer() as server:
        yield server


def test_a_token_is_asked_for_again_where_another_act_needs_another(
    tokens: _TokenServer, logged_out: Path
) -> None:
    shown = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (logged_out / "config.json").write_text(json.dumps({"auths": {tokens.place: {"auth": shown}}}))
    Repository(f"{tokens.place}/ml/churn").push_blob(FILES)
    assert tokens.asked == [
        ("repository:ml/churn:pull", f"Basic {shown}"),
        ("repository:ml/churn:pull,push", f"Basic {shown}"),
    ]


def test_other_bytes_than_the_digest_says_are_not_taken(tokens: _TokenServer, tmp_path: Path) -> None:
    repository = Repository(f"{tokens.place}/ml/churn")
    other = {"digest": FILES.digest, "size": len(b"other bytes")}
    for ask in (
        lambda: repository.blob(other),
        lambda: repository.manifest(FILES.digest),
        lambda: repository.fetch_blob(other, tmp_path / "blob"),
    ):
        with pytest.raises(RegistryError, match=f"gave other bytes than {FILES.digest}"):
            ask()
    assert not list(tmp_path.glob("*blob*"))


def test_a_layout_on_disk_keeps_the_same(tmp_path: Path) -> None:
    layout = ImageLayout(tmp_path / "oci")
    manifest = pushed(layout)
    pushed(layout, "v2", image(note="another"))
    found = layout.manifest_or_none("v1")
    assert found is not None
    assert (found.content, layout.manifest_or_none("v3")) == (manifest.content, None)
    assert json.loads((tmp_path / "oci/oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("ghcr.io/acme/churn:v1", ("ghcr.io/acme/churn", "v1")),
        ("localhost:5000/churn", ("localhost:5000/churn", "latest")),
        (f"localhost:5000/churn@sha256:{'1' * 64}", ("localhost:5000/churn", f"sha256:{'1' * 64}")),
        (f"ghcr.io/acme/churn:v1@sha256:{'1' * 64}", ("ghcr.io/acme/churn", f"sha256:{'1' * 64}")),
    ],
)
def test_a_reference_has_two_parts(reference: str, parts: tuple[str, str]) -> None:
    assert parted(reference) == parts
