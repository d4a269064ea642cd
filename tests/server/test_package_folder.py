"""Packages reach a shared server from a registry as a cluster lists them, and releases change no pod."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness import image_registry as harness
from harness.image_registry import PASSWORD, USER
from harness.issuer import key_of
from harness.loopback import Answers
from harness.loopback import Server as Loopback

from aimass_compiler import access_folder, conventions
from aimass_compiler.delivery.image_push import push
from aimass_compiler.delivery.package_image import ImageDescription, alone, layer_of
from aimass_compiler.programs.oci import ImageManifest
from aimass_compiler.programs.registry import Repository
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.shared.cluster import Cluster
from aimass_compiler.runtime.server.shared.entries import entry_files, read_entry
from aimass_compiler.runtime.server.shared.package_folder import PackageFolder
from aimass_compiler.runtime.server.shared.registry import NotBrought, Registries
from scripts.cluster.image_registry import Registry, running
from server import packages
from server.serving import serving
from server.test_shared import until

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTED: dict[str, dict[str, str]] = {}
#: Other objects by kind and name, with their entries.
OBJECTS: dict[str, dict[str, str]] = {}
ASKED: list[str] = []


class ApiServer(Answers):
    """Answers as an API server does that has these ConfigMaps."""

    def do_GET(self) -> None:
        ASKED.append(self.path)
        if self.headers["Authorization"] != "Bearer let-me-in":
            self.answer(403, b'{"message": "forbidden"}')
            return
        if "?" not in self.path:
            found = OBJECTS.get("/".join(self.path.split("/")[-2:]))
            self.answer(404 if found is None else 200, json.dumps({"data": found}).encode())
            return
        items = [{"data": data} for data in LISTED.values()]
        self.answer(200, json.dumps({"items": items}).encode())


@pytest.fixture
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for a name and a password."""
    harness.need()
    folder = tmp_path_factory.mktemp("guarded")
    with running(folder, harness.htpasswd(folder)) as registry:
        yield registry


@pytest.fixture
def configuration(guarded: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Docker configuration with the log-in."""
    shown = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    path = tmp_path / "docker" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"auths": {guarded.place: {"auth": shown}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(path.parent))
    return path


def pushed(registry: Registry, package: Path) -> str:
    """The image of a package alone, by its digest."""
    described = ImageDescription(package.name, "v1", "0" * 64, "", "", "0" * 40, "2026-01-02T03:04:05Z")
    name = f"{registry.place}/ml/{package.name}-package"
    layer = layer_of(package, "", package.parent / f"{package.name}.tar")
    manifest: ImageManifest = push(alone(layer, described), Repository(name), package.name)
    return f"{name}@{manifest.digest}"


@pytest.fixture
def bringing(configuration: Path, tmp_path: Path) -> Iterator[PackageFolder]:
    """What keeps the folder `models`, for the server `small`, beside an API server."""
    LISTED.clear()
    OBJECTS.clear()
    account, models = tmp_path / "account", tmp_path / "models"
    account.mkdir()
    models.mkdir()
    (account / "namespace").write_text("ml-prod")
    (account / "token").write_text("let-me-in")
    with Loopback(ApiServer) as api, (tmp_path / "log").open("wb") as stream, EventLog(stream) as log:
        cluster = Cluster(f"http://{api.place}", account)
        yield PackageFolder(models, tmp_path / "access", "small", cluster, Registries(configuration), log)


def test_a_model_is_brought_released_and_taken_away(
    bringing: PackageFolder, guarded: Registry, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    first = pushed(guarded, packages.churn(tmp_path / "churn"))
    limit = {conventions.VARIABLE_BODY_BYTES: "300"}
    LISTED["churn"] = {"model": "churn", "image": first, "host": "churn.example.com", **limit}
    bringing.look()
    assert "labelSelector=aimass.dev%2Fserver%3Dsmall" in ASKED[-1]
    assert "/namespaces/ml-prod/configmaps" in ASKED[-1]
    entry = read_entry(entry_files(models)["churn"])
    assert (entry.hosts, entry.variables) == (("churn.example.com",), limit)
    assert read_package(entry.package).signature.model == "churn"
    assert (models / conventions.BROUGHT_FILE).exists()

    LISTED["churn"]["image"] = first[:-4] + "0000"
    bringing.look()
    assert read_entry(entry_files(models)["churn"]) == entry, "what cannot be had changes nothing"

    other = packages.price(tmp_path / "price")
    LISTED["price"] = {"model": "price", "image": pushed(guarded, other)}
    del LISTED["churn"]
    bringing.look()
    assert [*entry_files(models)] == ["price"]


def test_the_server_beside_it_serves_what_is_released(
    bringing: PackageFolder, guarded: Registry, tmp_path: Path
) -> None:
    image = pushed(guarded, packages.churn(tmp_path / "churn"))
    LISTED["churn"] = {"model": "churn", "image": image, "host": "callers.example.com"}
    bringing.look()
    with serving(tmp_path / "models", program="server.shared") as server:
        asked = {"rows": [packages.CHURN_EXAMPLE]}
        assert server.ask("POST", "/predict", asked, {"host": "callers.example.com"}).status == 200
        LISTED["price"] = {"model": "price", "image": pushed(guarded, packages.price(tmp_path / "price"))}
        del LISTED["churn"]
        bringing.look()
        until(lambda: server.get("/v2/models/price/ready").status == 200)
        until(lambda: server.get("/v2/models/churn/ready").status == 404)


def test_who_may_ask_is_brought_without_keys_and_changes_without_a_restart(
    bringing: PackageFolder, guarded: Registry, tmp_path: Path
) -> None:
    policy = {"format": access_folder.ACCESS_FORMAT, "callers": {"shop": {}, "desk": {}}}
    sources = [
        {"folder": "policy", "kind": "configMap", "name": "churn-access"},
        {"folder": "keys", "kind": "secret", "name": "churn-callers"},
    ]
    image = pushed(guarded, packages.churn(tmp_path / "churn"))
    LISTED["churn"] = {"model": "churn", "image": image, conventions.ENTRY_ACCESS: json.dumps(sources)}
    OBJECTS["configmaps/churn-access"] = {"access.json": json.dumps(policy)}
    OBJECTS["secrets/churn-callers"] = encoded({"shop": key_of("shop"), "..": "key-of-nobody-0123456789"})
    bringing.look()
    kept = {path.name: path.read_text() for path in (tmp_path / "access" / "churn" / "keys").iterdir()}
    assert kept == {"shop": f"sha256:{hashlib.sha256(key_of('shop').encode()).hexdigest()}"}
    with serving(tmp_path / "models", program="server.shared") as server:

        def status(caller: str) -> int:
            asked, headers = {"rows": [packages.CHURN_EXAMPLE]}, {"x-api-key": key_of(caller)}
            return server.ask("POST", "/churn/predict", asked, headers).status

        assert (status("shop"), status("desk")) == (200, 401)
        OBJECTS["secrets/churn-callers"] = encoded({"desk": key_of("desk")})
        bringing.look()
        until(lambda: (status("shop"), status("desk")) == (401, 200))
        del LISTED["churn"][conventions.ENTRY_ACCESS]
        bringing.look()
        until(lambda: status("nobody") == 200)
    assert not (tmp_path / "access" / "churn").exists()


def encoded(entries: dict[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in entries.items()}


@pytest.mark.parametrize("access", ["[]", "{", '[{"folder": "../../x", "kind": "secret", "name": "x"}]'])
def test_where_nobody_says_who_may_ask_nobody_may(
    bringing: PackageFolder, guarded: Registry, tmp_path: Path, access: str
) -> None:
    image = pushed(guarded, packages.churn(tmp_path / "churn"))
    LISTED["churn"] = {"model": "churn", "image": image, conventions.ENTRY_ACCESS: access}
    OBJECTS["secrets/x"] = encoded({"y": "z"})
    bringing.look()
    assert not (tmp_path / "x").exists()
    with serving(tmp_path / "models", program="server.shared") as server:
        asked = {"rows": [packages.CHURN_EXAMPLE]}
        assert server.ask("POST", "/churn/predict", asked).status == 503


def test_where_the_cluster_does_not_answer_everything_stays(
    bringing: PackageFolder, guarded: Registry, tmp_path: Path
) -> None:
    LISTED["price"] = {"model": "price", "image": pushed(guarded, packages.price(tmp_path / "price"))}
    bringing.look()
    (tmp_path / "account" / "token").write_text("expired")
    bringing.look()
    assert [*entry_files(tmp_path / "models")] == ["price"]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("churn", "names no image by its digest"),
        ("{place}/ml/none@sha256:" + "0" * 64, "cannot be brought: HTTP Error 404"),
    ],
)
def test_what_is_no_package_is_refused(
    guarded: Registry, configuration: Path, tmp_path: Path, image: str, told: str
) -> None:
    with pytest.raises(NotBrought, match=told):
        Registries(configuration).bring(image.format(place=guarded.place), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("0000")]


def test_without_credentials_a_registry_refuses(
    guarded: Registry, configuration: Path, tmp_path: Path
) -> None:
    image = pushed(guarded, packages.price(tmp_path / "price"))
    with pytest.raises(NotBrought, match="there are none for it"):
        Registries(tmp_path / "no-config.json").bring(image, tmp_path)
