"""The job that makes tables of records, by the clock; its image, which holds no model."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.record_store import RecordStore
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.cron_job import cron_job
from aimass_compiler.render.image.escapes import reference
from aimass_compiler.render.image.package_install import install
from aimass_compiler.render.names import component_label, digest
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT, pod_security, tmp_volume
from aimass_compiler.version import __version__

_RETENTION_FOLDER = "/etc/aimass"
_LONGEST_SECONDS = 6 * 3600


def dockerfile(base: str, version: str = __version__) -> str:
    """This package in the compiler's version, with what reads and writes tables."""
    return f"""\
# `aimass image records` builds it, and finds wheels in the context, should no index have this version.
FROM {reference(base)}

LABEL org.opencontainers.image.title="{conventions.RECORDS_IMAGE}"

{install(["logs"], version)}
HEALTHCHECK NONE
USER {conventions.RUN_AS_USER}
"""


def image_tag(base: str, version: str = __version__) -> str:
    """Names exactly what the image is built from."""
    return digest(dockerfile(base, version).encode())


def tables_cron_job(name: str, logs: RecordStore, settings: Settings) -> dict[str, Any]:
    """Never two at once; one that is killed goes on at its next time."""
    labels = {conventions.LABEL_NAME: name, **component_label("tables")}
    template = {"metadata": {"labels": labels}, "spec": _pod(name, logs, settings)}
    return cron_job(name, logs.schedule, template, retries=2, seconds=_LONGEST_SECONDS)


def _pod(name: str, logs: RecordStore, settings: Settings) -> dict[str, Any]:
    images = settings.images
    mounts = [{"name": "retention", "mountPath": _RETENTION_FOLDER, "readOnly": True}, TMP_MOUNT]
    volumes = [{"name": "retention", "configMap": {"name": f"{name}-retention"}}, tmp_volume("1Gi")]
    if logs.folder is not None:
        mounts.append({"name": "store", "mountPath": logs.folder})
        volumes.append({"name": "store", "hostPath": {"path": logs.folder, "type": "DirectoryOrCreate"}})
    container = {
        "name": "tables",
        "image": f"{images.registry}/{conventions.RECORDS_IMAGE}:{image_tag(images.python)}",
        "imagePullPolicy": PULL,
        "command": [conventions.RUNTIME_COMMAND, "records", logs.store],
        "args": [f"--retention={_RETENTION_FOLDER}/retention.json"],
        "envFrom": [{"secretRef": {"name": logs.secret, "optional": True}}],
        "resources": {
            "requests": {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "256Mi"},
            "limits": {"memory": "2Gi", "ephemeral-storage": "2Gi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": mounts,
    }
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(settings, conventions.RUN_AS_USER),
        "containers": [container],
        "volumes": volumes,
    }
