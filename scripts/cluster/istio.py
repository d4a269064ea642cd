"""Istio's control plane where there is Kubernetes alone, and Envoy as the proxy that it configures.

Istio's build of Envoy has further filters. Those that pass metadata on (`istio.alpn`, `metadata_exchange`)
are switched off; plain Envoy has all that policies and routes become.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cluster import custom_resources, envoy
from scripts.cluster.cluster import Cluster, Refused
from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import program

#: The namespace of the control plane.
NAMESPACE = "istio-system"
#: Whose identities its certificates are for.
_TRUST_DOMAIN = "example.com"
_ADDRESS = "127.0.0.1"
_START_SECONDS = 120
_DEFINITIONS = (
    "requestauthentications.security.istio.io",
    "authorizationpolicies.security.istio.io",
    "peerauthentications.security.istio.io",
    "sidecars.networking.istio.io",
    "workloadentries.networking.istio.io",
)
#: Its agent, which would give proxies certificates for one another, does not run.
_MESH = {"trustDomain": _TRUST_DOMAIN, "defaultProviders": {}, "enableAutoMtls": False}
_WITHOUT_OWN_FILTERS = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
_VERSION = "1.31.0"


@dataclass(frozen=True)
class ControlPlane:
    """Istiod, from which proxies get their configuration at a port."""

    port: int
    process: Background


@contextmanager
def running(cluster: Cluster, folder: Path, trusted: Path) -> Iterator[ControlPlane]:
    """Run it while the block lasts; it fetches keys of issuers from whom the certificates `trusted` are.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    cluster.define(custom_resources.named(custom_resources.ISTIO, _DEFINITIONS))
    for definition in custom_resources.every_one(custom_resources.GATEWAY_EXPERIMENTAL):
        cluster.define([definition])
    cluster.namespaces(NAMESPACE, level="privileged")
    mesh = folder / "mesh.yaml"
    mesh.write_text(json.dumps(_MESH), encoding="utf-8")
    port, web, health, *others = free_ports(5)
    command = [
        str(program("pilot-discovery")),
        "discovery",
        f"--kubeconfig={cluster.kubeconfig.resolve()}",
        f"--meshConfig={mesh.resolve()}",
        f"--namespace={NAMESPACE}",
        f"--grpcAddr={_ADDRESS}:{port}",
        f"--httpAddr={_ADDRESS}:{web}",
        f"--monitoringAddr={_ADDRESS}:{health}",
        f"--secureGRPCAddr={_ADDRESS}:{others[0]}",
        f"--httpsAddr={_ADDRESS}:{others[1]}",
    ]
    variables = {"POD_NAMESPACE": NAMESPACE, "SSL_CERT_FILE": str(trusted.resolve()), **_WITHOUT_OWN_FILTERS}
    istiod = Background(command, folder / "istiod.log", folder, variables)
    istiod.start()
    try:
        if not istiod.is_ready_at(web, "/ready", _START_SECONDS):
            raise Refused(f"Istio is not ready:\n{istiod.last_words()}")
        yield ControlPlane(port, istiod)
    finally:
        istiod.stop()


@contextmanager
def proxy(
    control_plane: ControlPlane,
    kind: str,
    namespace: str,
    labels: Mapping[str, str],
    folder: Path,
    certificates: int | None = None,
) -> Iterator[int]:
    """Run Envoy as a `sidecar` or a `router` of pods with these labels; answers its port for questions.

    It gets `certificates` at a port, if any. Raises envoy.Refused and ProgramMissing.
    """
    (admin,) = free_ports(1)
    ports = {"xds-grpc": control_plane.port, **({"sds-grpc": certificates} if certificates else {})}
    with envoy.started(_bootstrap(ports, kind, namespace, labels, admin), admin, folder):
        yield admin


def _bootstrap(
    ports: Mapping[str, int], kind: str, namespace: str, labels: Mapping[str, str], admin: int
) -> dict[str, Any]:
    """What the agent of a pod would write, but that nothing redirects connections to the proxy."""
    metadata = {
        "NAMESPACE": namespace,
        "NAME": "pod-0",
        "LABELS": dict(labels),
        "ISTIO_VERSION": _VERSION,
        "CLUSTER_ID": "Kubernetes",
        "INTERCEPTION_MODE": "NONE",
    }
    source = {"ads": {}, "initialFetchTimeout": "0s", "resourceApiVersion": "V3"}
    grpc = {"envoyGrpc": {"clusterName": "xds-grpc"}}
    return {
        "node": {
            "id": f"{kind}~192.0.2.1~pod-0.{namespace}~{namespace}.svc.cluster.local",
            "cluster": f"pod.{namespace}",
            "metadata": metadata,
        },
        "admin": {"address": _socket(admin)},
        "dynamicResources": {
            "ldsConfig": source,
            "cdsConfig": source,
            "adsConfig": {"apiType": "GRPC", "transportApiVersion": "V3", "grpcServices": [grpc]},
        },
        "staticResources": {"clusters": [_cluster(name, port) for name, port in ports.items()]},
    }


def _cluster(name: str, port: int) -> dict[str, Any]:
    """Where gRPC is spoken."""
    http2 = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicitHttpConfig": {"http2ProtocolOptions": {}},
        }
    }
    endpoint = {"endpoint": {"address": _socket(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "typedExtensionProtocolOptions": http2,
        "loadAssignment": {"clusterName": name, "endpoints": [{"lbEndpoints": [endpoint]}]},
    }


def _socket(port: int) -> dict[str, Any]:
    return {"socketAddress": {"address": _ADDRESS, "portValue": port}}
