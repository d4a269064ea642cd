"""The models that a cluster lists for a server: ConfigMaps with its label, asked for at the API server."""

from __future__ import annotations

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
_LARGEST = 32 << 20
_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ClusterSilent(Exception):  # noqa: N818  # it reads as what is the case
    """The API server gives no answer, or refuses."""


class Listed(NamedTuple):
    """One model, as its ConfigMap says."""

    model: str
    image: str
    hosts: tuple[str, ...]
    variables: dict[str, str]


class Cluster:
    """The API server, as the pod's account."""

    def __init__(self, address: str = "", folder: Path = _FOLDER) -> None:
        """At the address that the kubelet tells, unless another is given."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._address = address or f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._folder = folder

    def models(self, server: str) -> list[Listed]:
        """What is listed for a server, sorted; raises ClusterSilent."""
        try:
            namespace = (self._folder / "namespace").read_text().strip()
            # From what the API server remembers: a list that is a moment old is as good.
            query = urllib.parse.urlencode(
                {"labelSelector": f"{conventions.LABEL_SERVER}={server}", "resourceVersion": "0"}
            )
            found = self._asked(f"/api/v1/namespaces/{namespace}/configmaps?{query}")
            return sorted(_listed(each.get("data") or {}) for each in found["items"])
        except urllib.error.HTTPError as error:
            raise ClusterSilent(f"the API server answers {error.code}: {error.read(500)!r}") from error
        except (OSError, ValueError, KeyError) as error:
            raise ClusterSilent(f"the API server cannot be asked: {error}") from error

    def _asked(self, path: str) -> Any:
        token = (self._folder / "token").read_text().strip()
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self._address}{path}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )
        authority = self._folder / "ca.crt"
        context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else None
        with urllib.request.urlopen(request, timeout=_SECONDS, context=context) as answer:  # noqa: S310  # our own address
            return json.loads(answer.read(_LARGEST))


def _listed(data: dict[str, str]) -> Listed:
    host = data.get(conventions.ENTRY_HOST, "")
    variables = {name: value for name, value in data.items() if name in conventions.MODEL_VARIABLES}
    model, image = data.get(conventions.ENTRY_MODEL, ""), data.get(conventions.ENTRY_IMAGE, "")
    return Listed(model, image, (host,) if host else (), variables)
