"""Envoy itself, as Envoy Gateway's translator configures it for what is rendered: strangers and limits."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from harness.issuer import TestIssuer, key_of, write
from render.models import CALLERS, pipeline
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import Reply, Server, serving

from aimass_compiler import access_folder, conventions
from aimass_compiler.programs import kustomize
from aimass_compiler.render import render
from scripts.cluster import envoy
from scripts.cluster.programs import BuildFailed, ProgramMissing
from tests.cluster.conftest import give_up
from tests.harness.releases import released

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nightly
CREDENTIAL = "credential-of-the-gateway"
NAMESPACE = "ml-prod"
_ACCESS: dict[str, Any] = {
    "keys": "churn-callers",
    "issuers": {
        "login": {"url": "https://login.example.com/", "audience": "churn", "config_map": "login-keys"}
    },
    "callers": {
        **CALLERS["callers"],
        "shop": {"rate": {"requests": "3/h", "burst": 100}},
        "bakery": {"rate": {"requests": "1000/s"}},
    },
}
_KEPT = ("HTTPRoute", "SecurityPolicy", "BackendTrafficPolicy", "HTTPRouteFilter", "Service", "ConfigMap")


def gateway() -> list[dict[str, Any]]:
    """What the owner of the gateway has: the gateway, open to routes of other namespaces."""
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": 80,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        envoy.GATEWAY_CLASS,
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "gateway", "namespace": "gateway-system"},
            "spec": {"gatewayClassName": "eg", "listeners": [listener]},
        },
    ]


def secret(name: str, **entries: str) -> dict[str, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in entries.items()}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def public_keys(issuer: TestIssuer) -> dict[str, Any]:
    metadata = {"name": "login-keys", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"jwks.json": issuer.keys}}


def namespaces() -> list[dict[str, Any]]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in (NAMESPACE, "gateway-system")
    ]


class Entrance:
    """The server, what Envoy Gateway made of its objects, and Envoy before it."""

    def __init__(self, server: Server, found: dict[str, Any], port: int, issuer: TestIssuer) -> None:
        self.server = server
        self.found = found
        self.issuer = issuer
        self._envoy = Server(server.process, port, server.log)

    def predict(self, **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {"host": "churn.example.com", **given}
        return self._envoy.ask("POST", "/predict", {"rows": [CHURN_EXAMPLE]}, wanted)

    def asked(self) -> float:
        """Requests that have reached the server."""
        return sum(
            self.server.metric(conventions.METRIC_REQUESTS, code=str(code)) for code in (200, 401, 403, 429)
        )


@pytest.fixture(scope="module")
def entrance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    root, issuer = tmp_path_factory.mktemp("envoy"), TestIssuer()
    built = pipeline(
        {"serving": {"gateway": {"host": "churn.example.com", "retries": 2}, "access": _ACCESS}},
        settings={
            "environments": {
                "prod": {"gateway": {"implementation": "envoy-gateway", "credential": "gateway-credential"}}
            }
        },
    )
    model = released(root, built.name, render(built))
    objects = kustomize.find().build(model / "overlays/prod")
    keys = {
        name: key_of(name)
        for name, caller in _ACCESS["callers"].items()
        if not {"token", "certificate"} & caller.keys()
    }
    given = [
        *namespaces(),
        *gateway(),
        *(each for each in objects if each["kind"] in _KEPT),
        secret("churn-callers", **keys),
        secret("gateway-credential", credential=CREDENTIAL),
        public_keys(issuer),
    ]
    try:
        found = envoy.translated(given, root)
        with (
            serving(
                packages.churn(root / "churn"), **_access(root / "access", objects, keys, issuer)
            ) as server,
            envoy.running(found, server.port, root, CREDENTIAL) as port,
        ):
            yield Entrance(server, found, port, issuer)
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)


def _access(
    folder: Path, objects: list[dict[str, Any]], keys: dict[str, str], issuer: TestIssuer
) -> dict[str, str]:
    """What the pod of the model has mounted."""
    (policy,) = (each for each in objects if each["metadata"]["name"] == "churn-access")
    write(folder / access_folder.ACCESS_FILE, policy["data"]["access.json"])
    write(folder / access_folder.ACCESS_CREDENTIAL, CREDENTIAL)
    place = folder / access_folder.ACCESS_ISSUERS_FOLDER / "login"
    write(place / access_folder.ACCESS_ISSUER_KEYS, issuer.keys)
    for name, key in keys.items():
        write(folder / access_folder.ACCESS_KEYS_FOLDER / name, key)
    return {conventions.VARIABLE_ACCESS: str(folder)}


def test_envoy_gateway_accepts_all_that_is_rendered(entrance: Entrance) -> None:
    told = envoy.conditions(entrance.found)
    kinds = {kind for kind, _ in told}
    assert {"HTTPRoute", "SecurityPolicy", "BackendTrafficPolicy"} <= kinds
    wrong = [
        (key, each["type"], each["message"])
        for key, found in told.items()
        for each in found
        if each["type"] in ("Accepted", "ResolvedRefs") and each["status"] != "True"
    ]
    assert wrong == []


def test_a_stranger_does_not_reach_the_server(entrance: Entrance) -> None:
    before = entrance.asked()
    assert entrance.predict(x_api_key="key-of-somebody-0123456789").status == 401
    assert entrance.predict(authorization="Bearer bm90.YS4.dG9rZW4").status == 401
    # Envoy says 403 of a token that is for another service, where the server says 401.
    other = entrance.issuer.token(azp="support", aud="other")
    assert entrance.predict(authorization=f"Bearer {other}").status == 403
    assert entrance.predict(authorization=f"Bearer {entrance.issuer.token(azp='someone')}").status == 403
    assert entrance.asked() == before


def test_callers_are_answered(entrance: Entrance) -> None:
    assert entrance.predict(x_api_key=key_of("bakery")).status == 200
    assert entrance.predict(authorization=f"Bearer {entrance.issuer.token(azp='support')}").status == 200
    # What is no token takes the last way, where the server itself looks at keys.
    assert entrance.predict(authorization=f"Bearer {key_of('bakery')}").status == 200


def test_envoy_limits_one_caller_and_no_other(entrance: Entrance) -> None:
    replies = [entrance.predict(x_api_key=key_of("shop")) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert "ratelimit-policy" not in replies[-1].headers, "it was Envoy, and not the server"
    assert "ratelimit" in replies[0].headers
    assert entrance.predict(x_api_key=key_of("bakery")).status == 200
    # The name of another caller is no way to use up its budget, nor to get past one's own.
    assert entrance.predict(x_api_key=key_of("shop"), x_aimass_caller="bakery").status == 429


def test_a_client_cannot_say_that_it_has_a_certificate(entrance: Entrance) -> None:
    said = {"x_forwarded_client_cert": "URI=spiffe://example.com/ns/batch/sa/scorer"}
    assert entrance.predict(**said).status == 401
    assert entrance.predict(**said, x_aimass_gateway=CREDENTIAL).status == 401
