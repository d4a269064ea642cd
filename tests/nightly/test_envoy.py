"""Envoy itself, as Envoy Gateway's translator configures it for what is rendered: callers and limits."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509
from harness.certificates import Authority
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
#: What Envoy asks Envoy Gateway for, by the names that it has for them.
INJECTED = {
    "name": f"credential_injector/credential/httproutefilter/{NAMESPACE}/churn",
    "genericSecret": {"secret": {"inlineString": CREDENTIAL}},
}
SCORER = "spiffe://example.com/ns/batch/sa/scorer"
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


HTTP: dict[str, Any] = {"name": "http", "protocol": "HTTP", "port": 80}
HTTPS: dict[str, Any] = {
    "name": "https",
    "protocol": "HTTPS",
    "port": 443,
    "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "gateway-tls"}]},
}
PAGE = Path(__file__).parents[2] / "docs/callers.md"


def gateway(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What the owner of the gateway has: the gateway, open to routes of other namespaces."""
    listener = {**entry, "allowedRoutes": {"namespaces": {"from": "All"}}}
    return [
        envoy.GATEWAY_CLASS,
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "gateway", "namespace": "gateway-system"},
            "spec": {"gatewayClassName": "eg", "listeners": [listener]},
        },
    ]


def secret(name: str, namespace: str = NAMESPACE, **entries: str) -> dict[str, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in entries.items()}
    metadata = {"name": name, "namespace": namespace}
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


KEYS = {
    name: key_of(name)
    for name, caller in _ACCESS["callers"].items()
    if not {"token", "certificate"} & caller.keys()
}


def objects_of(root: Path) -> list[dict[str, Any]]:
    """What is rendered for prod."""
    built = pipeline(
        {"serving": {"gateway": {"host": "churn.example.com", "retries": 2}, "access": _ACCESS}},
        settings={
            "environments": {
                "prod": {"gateway": {"implementation": "envoy-gateway", "credential": "gateway-credential"}}
            }
        },
    )
    return kustomize.find().build(released(root, built.name, render(built)) / "overlays/prod")


def around(objects: list[dict[str, Any]], issuer: TestIssuer) -> list[dict[str, Any]]:
    """What Envoy Gateway looks at of them, and what else is in the namespace."""
    return [
        *namespaces(),
        *(each for each in objects if each["kind"] in _KEPT),
        secret("churn-callers", **KEYS),
        secret("gateway-credential", credential=CREDENTIAL),
        public_keys(issuer),
    ]


@pytest.fixture(scope="module")
def entrance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    root, issuer = tmp_path_factory.mktemp("envoy"), TestIssuer()
    objects = objects_of(root)
    try:
        found = envoy.translated([*gateway(HTTP), *around(objects, issuer)], root)
        with (
            serving(packages.churn(root / "churn"), **_access(root / "access", objects, issuer)) as server,
            envoy.running(found, server.port, root, [INJECTED]) as port,
        ):
            yield Entrance(server, found, port, issuer)
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)


def _access(folder: Path, objects: list[dict[str, Any]], issuer: TestIssuer) -> dict[str, str]:
    """What the pod of the model has mounted."""
    (policy,) = (each for each in objects if each["metadata"]["name"] == "churn-access")
    write(folder / access_folder.ACCESS_FILE, policy["data"]["access.json"])
    write(folder / access_folder.ACCESS_CREDENTIAL, CREDENTIAL)
    place = folder / access_folder.ACCESS_ISSUERS_FOLDER / "login"
    write(place / access_folder.ACCESS_ISSUER_KEYS, issuer.keys)
    for name, key in KEYS.items():
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


def test_an_unknown_caller_does_not_reach_the_server(entrance: Entrance) -> None:
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
    said = {"x_forwarded_client_cert": f"URI={SCORER}"}
    assert entrance.predict(**said).status == 401
    assert entrance.predict(**said, x_aimass_gateway=CREDENTIAL).status == 401


def of_the_owner(authority: Authority, certificate: str, key: str) -> list[dict[str, Any]]:
    """TLS of the gateway, and what the page tells its owner to write."""
    (written,) = [part for part in PAGE.read_text().split("```") if "kind: ClientTrafficPolicy" in part]
    metadata = {"name": "clients-ca", "namespace": "gateway-system"}
    return [
        yaml.safe_load(written.removeprefix("yaml")),
        {
            **secret("gateway-tls", "gateway-system", **{"tls.crt": certificate, "tls.key": key}),
            "type": "kubernetes.io/tls",
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"ca.crt": authority.certificate},
        },
    ]


def told(authority: Authority, certificate: str, key: str) -> list[dict[str, Any]]:
    """The same as Envoy gets it."""
    chain = {"certificateChain": {"inlineString": certificate}, "privateKey": {"inlineString": key}}
    trusted = {"trustedCa": {"inlineString": authority.certificate}}
    return [
        INJECTED,
        {"name": "gateway-system/gateway-tls", "tlsCertificate": chain},
        {"name": "gateway-system/gateway/ca.crt", "validationContext": trusted},
    ]


def test_a_caller_is_known_by_the_certificate_that_envoy_verified(tmp_path: Path) -> None:
    authority, issuer, objects = Authority(), TestIssuer(), objects_of(tmp_path)
    own = authority.signed(x509.DNSName("churn.example.com"))
    given = [*gateway(HTTPS), *of_the_owner(authority, *own), *around(objects, issuer)]
    body = json.dumps({"rows": [CHURN_EXAMPLE]})
    try:
        found = envoy.translated(given, tmp_path)
        mounted = _access(tmp_path / "access", objects, issuer)
        with (
            serving(packages.churn(tmp_path / "churn"), **mounted) as server,
            envoy.running(found, server.port, tmp_path, told(authority, *own)) as port,
        ):
            for uri, status in (
                (SCORER, 200),
                ("spiffe://example.com/ns/batch/sa/other", 403),
                ("", 401),
            ):
                said = {"host": "churn.example.com", "x-forwarded-client-cert": f"URI={SCORER}"}
                asked = _asked(port, authority.client(tmp_path, uri), body, said)
                assert asked == status, uri
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)


def _asked(port: int, context: ssl.SSLContext, body: str, headers: dict[str, str]) -> int:
    """The status of a prediction, asked by the host's name of who has it here."""
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        context.wrap_socket(plain, server_hostname="churn.example.com") as connection,
    ):
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = f"POST /predict HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n{body}"
        connection.sendall(sent.encode())
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        return reply.status
