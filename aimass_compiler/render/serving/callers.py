"""Who may ask, for our own servers: the policy as a ConfigMap, and what they know callers by beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from aimass_compiler import access_folder, conventions
from aimass_compiler.pipeline.access import Access
from aimass_compiler.pipeline.access_policy import policy_document
from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.emit import emit_json

_HTTPS = 443


def policy(
    model: str, serving: Serving, gateway: GatewayImplementation | None, replicas: int
) -> Iterator[dict[str, Any]]:
    """The ConfigMap of the policy: servers follow it, so that another rate restarts none.

    Each of so many `replicas` enforces its share.
    """
    if serving.access is None:
        return
    trusted = None if gateway is None else gateway.verifier
    document = policy_document(serving.access, replicas, trusted)
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": access_folder.ACCESS_NAME.format(model=model)},
        "data": {_name(access_folder.ACCESS_FILE): emit_json(document).decode().strip()},
    }


def variables(serving: Serving) -> dict[str, str]:
    """Where the server finds the policy; nothing where anyone may ask."""
    return {} if serving.access is None else {conventions.VARIABLE_ACCESS: access_folder.ACCESS_FOLDER}


def volumes(
    model: str, access: Access | None, gateway: GatewayImplementation | None
) -> Iterator[dict[str, Any]]:
    """The policy, and what callers are known by; the kubelet brings changes of them within a minute."""
    for name, _, source in _mounted(model, access, gateway):
        yield {"name": name, **source}


def mounts(
    model: str, access: Access | None, gateway: GatewayImplementation | None
) -> Iterator[dict[str, Any]]:
    """Where the server has them."""
    for name, folder, _ in _mounted(model, access, gateway):
        yield {"name": name, "mountPath": f"{access_folder.ACCESS_FOLDER}/{folder}", "readOnly": True}


def _mounted(
    model: str, access: Access | None, gateway: GatewayImplementation | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The name of each volume, its folder and its source."""
    if access is None:
        return
    name = access_folder.ACCESS_NAME.format(model=model)
    yield "access", _folder(access_folder.ACCESS_FILE), {"configMap": {"name": name}}
    if access.keys is not None:
        yield "access-keys", access_folder.ACCESS_KEYS_FOLDER, {"secret": {"secretName": access.keys}}
    for index, (issuer, each) in enumerate(access.issuers.items()):
        if each.config_map is not None:
            folder = f"{access_folder.ACCESS_ISSUERS_FOLDER}/{issuer}"
            yield f"access-issuer-{index}", folder, {"configMap": {"name": each.config_map}}
    if gateway is not None and gateway.credential is not None and has_certificates(access):
        folder = _folder(access_folder.ACCESS_CREDENTIAL)
        yield "access-gateway", folder, {"secret": {"secretName": gateway.credential}}


def sources(model: str, access: Access, gateway: GatewayImplementation | None) -> Iterator[dict[str, str]]:
    """The same for who reads it from the cluster: each folder, and the ConfigMap or Secret that has it."""
    for _, folder, source in _mounted(model, access, gateway):
        kind, name = next(iter(source.items()))
        yield {"folder": folder, "kind": kind, "name": name.get("name") or name["secretName"]}


def secrets(access: Access, gateway: GatewayImplementation | None) -> list[str]:
    """The Secrets by which callers are known."""
    return sorted(each["name"] for each in sources("", access, gateway) if each["kind"] == "secret")


def has_certificates(access: Access) -> bool:
    """Whether some callers are known by the certificates that a proxy verifies."""
    return any(caller.certificate is not None for caller in access.callers.values())


def fetched_ports(access: Access | None) -> list[int]:
    """The ports at which servers fetch the keys of issuers."""
    urls = [issuer.keys for issuer in access.issuers.values() if issuer.keys] if access is not None else []
    return sorted({urlsplit(url).port or _HTTPS for url in urls})


def _folder(file: str) -> str:
    return file.partition("/")[0]


def _name(file: str) -> str:
    return file.partition("/")[2]
