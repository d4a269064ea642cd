"""The models that a cluster lists for a server: ConfigMaps with its label, asked for at the API server."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from aimass_compiler import conventions

_SECONDS = 10
_NOT_FOUND = 404
_LARGEST = 32 << 20
_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ClusterSilent(Exception):  # noqa: N818  # it reads as what is the case
    """The API server gives no answer, or refuses."""


class AccessSource(NamedTuple):
    """A folder of what says who may ask, and what it is read from."""

    folder: str
    kind: str
    """`configMap` or `secret`."""
    name: str


class SharedModel(NamedTuple):
    """One model, as its ConfigMap says."""

    model: str
    image: str
    hosts: tuple[str, ...]
    variables: dict[str, str]
    access: tuple[AccessSource, ...] | None = None
    """None where anyone may ask."""


class Cluster:
    """The API server, as the pod's account."""

    def __init__(self, address: str = "", folder: Path = _FOLDER) -> None:
        """At the address that the kubelet tells, unless another is given."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._address = address or f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._folder = folder

    def models(self, server: str) -> list[SharedModel]:
        """What is listed for a server, sorted; raises ClusterSilent."""
        try:
            # From what the API server remembers: a list that is a moment old is as good.
            query = urllib.parse.urlencode(
                {"labelSelector": f"{conventions.LABEL_SERVER}={server}", "resourceVersion": "0"}
            )
            found = self._asked(f"configmaps?{query}")
            listed = (_listed(each.get("data") or {}) for each in found["items"])
            return sorted(listed, key=lambda each: each.model)
        except urllib.error.HTTPError as error:
            raise ClusterSilent(f"the API server answers {error.code}: {error.read(500)!r}") from error
        except (OSError, ValueError, KeyError) as error:
            raise ClusterSilent(f"the API server cannot be asked: {error}") from error

    def content(self, source: AccessSource) -> dict[str, bytes]:
        """The entries of a ConfigMap or Secret, none where there is no such object; raises ClusterSilent."""
        is_secret = source.kind == "secret"
        name = urllib.parse.quote(source.name, safe="")
        try:
            found = self._asked(f"{'secrets' if is_secret else 'configmaps'}/{name}").get("data") or {}
        except urllib.error.HTTPError as error:
            if error.code == _NOT_FOUND:
                return {}
            message = f"the API server answers {error.code} for {source.kind} {source.name}"
            raise ClusterSilent(message) from error
        except (OSError, ValueError) as error:
            raise ClusterSilent(f"the API server cannot be asked: {error}") from error
        return {
            entry: base64.b64decode(text) if is_secret else text.encode() for entry, text in found.items()
        }

    def _asked(self, path: str) -> Any:
        namespace = (self._folder / "namespace").read_text().strip()
        token = (self._folder / "token").read_text().strip()
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self._address}/api/v1/namespaces/{namespace}/{path}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        authority = self._folder / "ca.crt"
        context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else None
        with urllib.request.urlopen(request, timeout=_SECONDS, context=context) as answer:  # noqa: S310  # our own address
            return json.loads(answer.read(_LARGEST))


def _listed(data: dict[str, str]) -> SharedModel:
    host = data.get(conventions.ENTRY_HOST, "")
    variables = {name: value for name, value in data.items() if name in conventions.MODEL_VARIABLES}
    model, image = data.get(conventions.ENTRY_MODEL, ""), data.get(conventions.ENTRY_IMAGE, "")
    return SharedModel(model, image, (host,) if host else (), variables, _access(data))


def _access(data: dict[str, str]) -> tuple[AccessSource, ...] | None:
    """What says who may ask; what cannot be read names nothing, so that no caller may."""
    if conventions.ENTRY_ACCESS not in data:
        return None
    try:
        return tuple(AccessSource(**each) for each in json.loads(data[conventions.ENTRY_ACCESS]))
    except (ValueError, TypeError):
        return ()
