"""Istio configures Envoy by what is rendered: as the sidecar of servers, and as a gateway."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from harness import secret_discovery
from harness.certificates import Authority
from harness.issuer import URL, TestIssuer, key_of, write
from harness.loopback import Answers
from harness.loopback import Server as Loopback
from render.models import pipeline
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import Reply, Server, serving

from aimass_compiler import access_folder, conventions
from aimass_compiler.programs import kustomize
from aimass_compiler.render import render
from aimass_compiler.render.names import serving_selector
from scripts.cluster import istio
from scripts.cluster.processes import free_ports
from scripts.cluster.programs import BuildFailed, ProgramMissing
from tests.cluster.conftest import give_up
from tests.harness.releases import released

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scripts.cluster.cluster import OwnCluster

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
NAMESPACE, GATEWAYS, HOST = "ml-staging", "gateway-system", "churn.example.com"
CALLERS: dict[str, Any] = {
    "shop": {"rate": {"requests": "3/h", "burst": 3}},
    "support": {"token": {"claims": {"azp": "support"}}},
    "reports": {"token": {"claims": {"scope": "report"}}},
    "scorer": {"certificate": "spiffe://example.com/ns/batch/sa/scorer"},
}
_SECONDS = 60


def access(keys: str) -> dict[str, Any]:
    """Who may ask, where the issuer publishes its keys at an address."""
    issuer = {"url": URL, "audience": "churn", "keys": keys}
    return {"keys": "churn-callers", "issuers": {"login": issuer}, "callers": CALLERS}


def objects_of(root: Path, **serves: Any) -> list[dict[str, Any]]:
    """What is rendered for staging, where there is Istio."""
    implementation = {"implementation": "istio", "channel": "experimental"}
    built = pipeline({"serving": serves}, settings={"environments": {"staging": {"gateway": implementation}}})
    return kustomize.find().build(released(root, built.name, render(built)) / "overlays/staging")


def of_kinds(objects: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] in kinds]


def made(api: str, kind: str, name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[Authority, Path]:
    """Who signs certificates here, and the file of its certificate."""
    authority, place = Authority(), tmp_path / "authority.pem"
    place.write_text(authority.certificate)
    return authority, place


@pytest.fixture
def control_plane(
    own_cluster: OwnCluster, tmp_path: Path, trusted: tuple[Authority, Path]
) -> Iterator[istio.ControlPlane]:
    try:
        with istio.running(own_cluster, tmp_path, trusted[1]) as running:
            yield running
    except (ProgramMissing, BuildFailed) as error:
        give_up(error)


@pytest.fixture
def published(trusted: tuple[Authority, Path], tmp_path: Path) -> Iterator[tuple[TestIssuer, str]]:
    """An issuer, and the address of its keys."""
    issuer = TestIssuer()

    class Handler(Answers):
        def do_GET(self) -> None:
            self.answer(200, issuer.keys.encode())

    place = tmp_path / "issuer.pem"
    place.write_text("".join(trusted[0].signed(x509.IPAddress(ip_address("127.0.0.1")))))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    with Loopback(Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield issuer, f"https://{server.place}/keys"


def mounted(folder: Path, objects: list[dict[str, Any]], authority: Path) -> dict[str, str]:
    """What the pod of the model has mounted, and whom it trusts."""
    (policy,) = (each for each in objects if each["metadata"]["name"] == "churn-access")
    write(folder / access_folder.ACCESS_FILE, policy["data"]["access.json"])
    write(folder / access_folder.ACCESS_KEYS_FOLDER / "shop", key_of("shop"))
    return {conventions.VARIABLE_ACCESS: str(folder), "SSL_CERT_FILE": str(authority)}


def listening(port: int) -> None:
    """Wait until a proxy listens there."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
        except OSError:
            assert time.monotonic() < until, "no proxy listens at the port"
            time.sleep(0.2)
        else:
            return


def test_the_sidecar_of_a_server_refuses_who_is_no_caller(
    own_cluster: OwnCluster,
    control_plane: istio.ControlPlane,
    trusted: tuple[Authority, Path],
    published: tuple[TestIssuer, str],
    tmp_path: Path,
) -> None:
    issuer, keys = published
    objects = objects_of(tmp_path, gateway={"host": HOST}, access=access(keys))
    variables = mounted(tmp_path / "access", objects, trusted[1])
    (port,) = free_ports(1)
    with serving(packages.churn(tmp_path / "churn"), **variables) as server:
        apply_for_sidecar(own_cluster, objects, of_mesh(port, server.port, "DISABLE"))
        with istio.proxy(control_plane, "sidecar", NAMESPACE, serving_selector("churn"), tmp_path):
            listening(port)
            _refuses(Sidecar(server, port), issuer)


def apply_for_sidecar(
    cluster: OwnCluster, objects: list[dict[str, Any]], beside: list[dict[str, Any]]
) -> None:
    cluster.namespaces(NAMESPACE, level="privileged")
    cluster.apply([*of_kinds(objects, "RequestAuthentication", "AuthorizationPolicy"), *beside])


def of_mesh(port: int, upstream: int, mode: str) -> list[dict[str, Any]]:
    """The port of the sidecar before a server, which nothing redirects connections to, and its mTLS."""
    ingress = {
        "port": {"number": port, "name": "http", "protocol": "HTTP"},
        "bind": "127.0.0.1",
        "captureMode": "NONE",
        "defaultEndpoint": f"127.0.0.1:{upstream}",
    }
    selected = {"labels": serving_selector("churn")}
    return [
        made("security.istio.io/v1", "PeerAuthentication", "all", NAMESPACE, mtls={"mode": mode}),
        made(
            "networking.istio.io/v1",
            "Sidecar",
            "churn",
            NAMESPACE,
            workloadSelector=selected,
            ingress=[ingress],
        ),
    ]


def test_a_caller_of_the_mesh_is_known_by_its_certificate(
    own_cluster: OwnCluster,
    control_plane: istio.ControlPlane,
    trusted: tuple[Authority, Path],
    published: tuple[TestIssuer, str],
    tmp_path: Path,
) -> None:
    authority, place = trusted
    objects = objects_of(tmp_path, gateway={"host": HOST}, access=access(published[1]))
    own = authority.signed(x509.UniformResourceIdentifier(f"spiffe://example.com/ns/{NAMESPACE}/sa/churn"))
    secrets = {
        "default": secret_discovery.own_certificate(*own),
        "ROOTCA": secret_discovery.believed(authority.certificate),
    }
    (port,) = free_ports(1)
    variables = mounted(tmp_path / "access", objects, place)
    with (
        serving(packages.churn(tmp_path / "churn"), **variables) as server,
        secret_discovery.serving(secrets) as discovery,
    ):
        apply_for_sidecar(own_cluster, objects, of_mesh(port, server.port, "STRICT"))
        labels = serving_selector("churn")
        with istio.proxy(control_plane, "sidecar", NAMESPACE, labels, tmp_path, discovery):
            listening(port)
            _knows_certificates(port, authority, tmp_path)


def _knows_certificates(port: int, authority: Authority, folder: Path) -> None:
    for account, status in (("batch/sa/scorer", 200), ("batch/sa/other", 403)):
        context = authority.client(folder, f"spiffe://example.com/ns/{account}")
        context.check_hostname = False  # the certificate of a proxy of the mesh is of an identity
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        # What a caller says of itself is not what counts.
        said = {"host": HOST, "x-forwarded-client-cert": f"URI={CALLERS['scorer']['certificate']}"}
        connection.request("POST", "/predict", json.dumps({"rows": [CHURN_EXAMPLE]}), said)
        assert connection.getresponse().status == status, account


class Sidecar:
    """The proxy before a server."""

    def __init__(self, server: Server, port: int) -> None:
        self._server = server
        self._proxy = Server(server.process, port, server.log)

    def predict(self, **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._proxy.ask("POST", "/predict", {"rows": [CHURN_EXAMPLE]}, {"host": HOST, **given})

    def get(self, path: str) -> Reply:
        return self._proxy.ask("GET", path, None, {"host": HOST})

    def reached(self) -> float:
        return sum(
            self._server.metric(conventions.METRIC_REQUESTS, code=str(code))
            for code in (200, 401, 403, 404, 429)
        )


def _refuses(sidecar: Sidecar, issuer: TestIssuer) -> None:
    before = sidecar.reached()
    bearer = {
        "of no key": "Bearer bm90.YS4.dG9rZW4",
        "of another key": f"Bearer {TestIssuer().token(azp='support')}",
        "for another service": f"Bearer {issuer.token(azp='support', aud='other')}",
        "that has expired": f"Bearer {issuer.token(-120, azp='support')}",
        "of another issuer": f"Bearer {issuer.token(azp='support', iss='https://other.example.com')}",
    }
    asked = {what: sidecar.predict(authorization=token).status for what, token in bearer.items()}
    assert set(asked.values()) <= {401, 403}, asked
    assert sidecar.predict().status == 403, "who shows nothing"
    assert sidecar.predict(authorization=f"Bearer {issuer.token(azp='other')}").status == 403
    assert sidecar.get("/v2/models/churn").status == 403
    assert sidecar.reached() == before, "none of them has reached the server"
    assert sidecar.predict(x_api_key="key-of-somebody-0123456789").status == 401, "the server reads keys"
    assert sidecar.get(conventions.READY_PATH).status == 200
    # A token needs no subject, a scope is one of several words, and no one is asked for more than claims.
    for claims in ({"azp": "support"}, {"azp": "support", "sub": "a"}, {"scope": "openid report"}):
        assert sidecar.predict(authorization=f"Bearer {issuer.token(**claims)}").status == 200, claims
    replies = [sidecar.predict(x_api_key=key_of("shop")) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert int(replies[-1].headers["retry-after"]) > 0


class Backend:
    """A server that keeps what it is asked, and refuses or answers late where a test wants it to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refusals = 0
        self.seconds = 0.0
        backend = self

        class Handler(Answers):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                backend.asked.append(self.path)
                time.sleep(backend.seconds)
                backend.refusals -= 1
                self.answer(503 if backend.refusals >= 0 else 200)

        self.server = Loopback(Handler)


def of_backend(name: str, backend: Backend) -> list[dict[str, Any]]:
    """A Service, and where its only pod would be."""
    labels = {"app": name}
    entry = {"address": "127.0.0.1", "ports": {"http": backend.server.server_port}, "labels": labels}
    ports = [{"name": "http", "port": conventions.PORT, "targetPort": "http"}]
    return [
        made("v1", "Service", name, NAMESPACE, selector=labels, ports=ports),
        made("networking.istio.io/v1", "WorkloadEntry", name, NAMESPACE, **entry),
    ]


def of_gateway(port: int) -> list[dict[str, Any]]:
    """A Gateway at a port, and the Service of its proxies."""
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": port,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    ports = [{"name": "http", "port": port, "targetPort": port}]
    return [
        made(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            "gateway",
            GATEWAYS,
            gatewayClassName="istio",
            addresses=[{"type": "Hostname", "value": f"ingress.{GATEWAYS}.svc.cluster.local"}],
            listeners=[listener],
        ),
        made("v1", "Service", "ingress", GATEWAYS, selector={"istio": "ingress"}, ports=ports),
    ]


def test_a_gateway_mirrors_and_tries_again_and_gives_up_in_time(
    own_cluster: OwnCluster, control_plane: istio.ControlPlane, tmp_path: Path
) -> None:
    gateway = {"host": HOST, "retries": 2, "mirror": {"model": "churn-next"}}
    objects = objects_of(tmp_path, gateway=gateway, limits={"timeout": "1s"})
    (port,), main, copy = free_ports(1), Backend(), Backend()
    with main.server, copy.server:
        own_cluster.namespaces(NAMESPACE, GATEWAYS, level="privileged")
        own_cluster.apply(
            [
                *of_gateway(port),
                *of_kinds(objects, "HTTPRoute"),
                *of_backend("churn", main),
                *of_backend("churn-next", copy),
            ]
        )
        with istio.proxy(control_plane, "router", GATEWAYS, {"istio": "ingress"}, tmp_path):
            listening(port)
            _routes(port, main, copy)


def _asked(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/predict", b"{}", {"host": HOST})
    return connection.getresponse().status


def _routes(port: int, main: Backend, copy: Backend) -> None:
    until = time.monotonic() + _SECONDS
    while _asked(port) != 200:
        assert time.monotonic() < until, "the route leads nowhere"
        time.sleep(0.5)
    time.sleep(0.5)
    main.asked.clear()
    copy.asked.clear()
    main.refusals = 2
    assert _asked(port) == 200, "it was asked a third time"
    assert len(main.asked) == 3
    until = time.monotonic() + _SECONDS
    while not copy.asked and time.monotonic() < until:
        time.sleep(0.1)
    assert copy.asked, "the other model has got a copy"
    main.refusals = 3
    assert _asked(port) == 503, "and no fourth time"
    main.seconds, started = 5.0, time.monotonic()
    assert _asked(port) == 504
    assert time.monotonic() - started < main.seconds
