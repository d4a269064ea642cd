"""The OpenTelemetry Collector on every node: it reads what servers left in their pods' folders.

Sources: the pages of filelogreceiver, fileexporter and awss3exporter in
https://github.com/open-telemetry/opentelemetry-collector-contrib
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions, record_names
from aimass_compiler.pipeline.record_store import RecordStore
from aimass_compiler.render.image.escapes import reference
from aimass_compiler.render.names import component_label
from aimass_compiler.render.pod_security import PULL

#: Where the kubelet keeps the folders of pods, and where an `emptyDir` lies in one.
PODS_FOLDER = "/var/lib/kubelet/pods"
_FOLDERS = f"{PODS_FOLDER}/*/volumes/kubernetes.io~empty-dir/{record_names.RECORD_VOLUME}"
#: How far each file was read, kept on the node, so that a new collector goes on there.
STATE_FOLDER = "/var/lib/aimass-records"
_CONFIGURATION_FOLDER = "/etc/aimass"
_NODE = "AIMASS_NODE"
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "32Mi"},
    "limits": {"memory": "256Mi", "ephemeral-storage": "128Mi"},
}
#: Only root may look into the kubelet's folders, and this is the one right that it needs.
_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]},
    "readOnlyRootFilesystem": True,
}


def collector_configuration(logs: RecordStore) -> dict[str, Any]:
    """Whole lines of all records, in batches, to the store."""
    name, exporter = _exporter(logs)
    return {
        "extensions": {"file_storage": {"directory": STATE_FOLDER}},
        "receivers": {
            "file_log": {
                "include": [f"{_FOLDERS}/*.jsonl"],
                "start_at": "beginning",
                "storage": "file_storage",
                "include_file_name": False,
                "max_log_size": "8MiB",
                "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
            }
        },
        "processors": {"batch": {"timeout": "30s", "send_batch_size": 10_000, "send_batch_max_size": 20_000}},
        "exporters": {name: exporter},
        "service": {
            "extensions": ["file_storage"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                "logs": {"receivers": ["file_log"], "processors": ["batch"], "exporters": [name]},
            },
        },
    }


def _exporter(logs: RecordStore) -> tuple[str, dict[str, Any]]:
    if logs.folder is not None:
        path = f"{logs.folder}/{record_names.RAW_RECORDS_FOLDER}/${{env:{_NODE}}}/records.jsonl"
        return "file", {
            "path": path,
            "create_directory": True,
            "rotation": {"max_megabytes": 64, "max_backups": 1000},
        }
    bucket, _, prefix = logs.store.removeprefix("s3://").partition("/")
    uploaded = {
        "region": "${env:AWS_REGION:-us-east-1}",
        "s3_bucket": bucket,
        "s3_prefix": f"{prefix}/{record_names.RAW_RECORDS_FOLDER}".lstrip("/"),
        "s3_partition_format": "%Y/%m/%d/%H",
        "file_prefix": f"${{env:{_NODE}}}-",
        "unique_key_func_name": "uuidv7",
        "s3_force_path_style": "${env:AIMASS_S3_PATH_STYLE:-false}",
    }
    return "awss3", {"marshaler": "body", "s3uploader": uploaded}


def daemon_set(name: str, logs: RecordStore) -> dict[str, Any]:
    """One pod on every node, whatever the node's taints."""
    labels = {conventions.LABEL_NAME: name, **component_label("collector")}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": {"metadata": {"labels": labels}, "spec": _pod(name, logs)},
        },
    }


def _pod(name: str, logs: RecordStore) -> dict[str, Any]:
    host = _host_folders(logs)
    mounts: list[dict[str, Any]] = [{"name": each, "mountPath": path} for each, path in host.items()]
    mounts[0]["readOnly"] = True
    configuration = {"name": "configuration", "mountPath": _CONFIGURATION_FOLDER, "readOnly": True}
    node = {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}
    container = {
        "name": "collector",
        "image": reference(logs.image),
        "imagePullPolicy": PULL,
        "args": [f"--config={_CONFIGURATION_FOLDER}/collector.yaml"],
        "env": [{"name": _NODE, "valueFrom": node}],
        "envFrom": [{"secretRef": {"name": logs.secret, "optional": True}}],
        "resources": _RESOURCES,
        "securityContext": _SECURITY,
        "volumeMounts": [*mounts, configuration],
    }
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 60,
        "securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            *({"name": each, "hostPath": _host_path(path)} for each, path in host.items()),
            {"name": "configuration", "configMap": {"name": f"{name}-collector"}},
        ],
    }


def _host_folders(logs: RecordStore) -> dict[str, str]:
    """Folders of the node by their volume; the first is only read."""
    store = {} if logs.folder is None else {"store": logs.folder}
    return {"pods": PODS_FOLDER, "state": STATE_FOLDER, **store}


def _host_path(path: str) -> dict[str, str]:
    return {"path": path, "type": "Directory" if path == PODS_FOLDER else "DirectoryOrCreate"}
