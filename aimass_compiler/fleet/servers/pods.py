"""The pods of a shared server: the server, which holds no credentials, and beside it what brings packages.

Whoever brings packages finds the models in ConfigMaps by their label, so a release changes no pod.
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.access_folder import ACCESS_FOLDER
from aimass_compiler.fleet.servers.budget import FILLED
from aimass_compiler.fleet.servers.place import ServerPlace
from aimass_compiler.pipeline import Metadata
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Gateway, Limits, Logs, PredictionLogs, ServedReplicas, Serving
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT
from aimass_compiler.render.serving import own_server, workload
from aimass_compiler.render.serving.engine import Served

_MODELS = "/models"
_PROGRAM = "aimass_compiler.runtime.server.shared"
_MOUNT = {"name": "models", "mountPath": _MODELS}
#: Who may ask, which is on no disk.
_ACCESS_MOUNT = {"name": "access", "mountPath": ACCESS_FOLDER}
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # where a token is, and none
_REGISTRY = "/var/run/registry"
_BRINGING = {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "1Gi"}


def served(place: ServerPlace) -> Served:
    """The server as what renders servers takes it."""
    namespaces = {share.gateway_namespace for share in place.shares.values()} - {None}
    gateway = Gateway(host="", namespace=str(min(map(str, namespaces)))) if namespaces else None
    serving = Serving.default().filled(
        replicas=ServedReplicas.default().filled(**dict(place.server.replicas)),
        resources=place.server.resources,
        limits=Limits.default().filled(timeout=place.timeout),
        logs=Logs.default().filled(predictions=PredictionLogs.default().filled(sample=place.sample)),
        gateway=gateway,
    )
    return Served(place.name, serving, Monitoring.default(), place.settings, pods=place.pods)


def deployment(place: ServerPlace) -> dict[str, Any]:
    """The Deployment: what a server of one model has, with the list of models in the place of one."""
    own = served(place)
    document = workload.deployment(Metadata(name=place.name), own)
    pod = document["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    container |= {
        "image": conventions.SERVER_IMAGE,
        "command": ["python", "-m", _PROGRAM, _MODELS],
        "env": [*_variables(place, own.serving), *own_server.record_variables(own)],
        "volumeMounts": [
            TMP_MOUNT,
            *own_server.record_mounts(own),
            {**_MOUNT, "readOnly": True},
            {**_ACCESS_MOUNT, "readOnly": True},
        ],
    }
    pod["initContainers"] = [_bringing(place)]
    pod["volumes"] = [*pod["volumes"], *_volumes()]
    return document


def _variables(place: ServerPlace, serving: Serving) -> list[dict[str, str]]:
    memory = int(place.server.resources.memory.size * FILLED)
    values = {
        conventions.VARIABLE_SERVER: place.name,
        conventions.VARIABLE_MEMORY_BYTES: str(memory),
        conventions.VARIABLE_DRAIN_SECONDS: str(own_server.drain_seconds(serving)),
        conventions.VARIABLE_STAY_SECONDS: str(conventions.STAY_SECONDS),
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _bringing(place: ServerPlace) -> dict[str, Any]:
    """A sidecar, which is up once it has brought what is listed: then the server starts."""
    return {
        "name": "packages",
        "image": conventions.SERVER_IMAGE,
        "imagePullPolicy": PULL,
        "restartPolicy": "Always",
        "command": ["python", "-m", f"{_PROGRAM}.package_folder", _MODELS, ACCESS_FOLDER],
        "env": [{"name": conventions.VARIABLE_SERVER, "value": place.name}],
        "resources": {
            "requests": _BRINGING,
            "limits": {key: value for key, value in _BRINGING.items() if key != "cpu"},
        },
        "startupProbe": {
            "exec": {"command": ["test", "-f", f"{_MODELS}/{conventions.BROUGHT_FILE}"]},
            "periodSeconds": 1,
            "failureThreshold": 600,
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            _MOUNT,
            _ACCESS_MOUNT,
            {"name": "token", "mountPath": _TOKEN, "readOnly": True},
            {"name": "registry", "mountPath": _REGISTRY, "readOnly": True},
        ],
    }


def _volumes() -> list[dict[str, Any]]:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
    authority = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    namespace = {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}}
    key = {"key": ".dockerconfigjson", "path": "config.json"}
    return [
        {"name": "models", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "access", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        {"name": "token", "projected": {"sources": [token, authority, namespace]}},
        {
            "name": "registry",
            "secret": {"secretName": conventions.REGISTRY_SECRET, "optional": True, "items": [key]},
        },
    ]
