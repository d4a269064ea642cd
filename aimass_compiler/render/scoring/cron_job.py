"""The CronJob that scores: the package of what is released, in a pod that reaches the table.

The image of the release brings the package, and the image that trains has what reads tables. So what is
released decides what scores, and a promotion or a rollback moves servers and scores alike.
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render.image.training_image import training_image
from aimass_compiler.render.kubernetes_kinds import CRON_JOB
from aimass_compiler.render.names import component_label
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT, pod_security, tmp_volume
from aimass_compiler.render.pod_settings import account_name, service_accounts, settled
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.serving.own_server import package_volume
from aimass_compiler.render.training.cluster import RAY_GROUP, RAY_USER

_CONTAINER = "score"
_PACKAGE = "/package"
_SCORING = "/etc/aimass"
#: After it a run that could not start in time is left out: the next one scores the table anyway.
_LATE_SECONDS = 3600
#: The module of the image that serves can do without a shell.
_COPY = "import shutil; shutil.copytree({source!r}, {target!r}, dirs_exist_ok=True)"


def name(pipeline: Pipeline) -> str:
    """What everything of it is called."""
    return conventions.SCORING.format(model=pipeline.name)


def labels(pipeline: Pipeline) -> dict[str, str]:
    """The labels of its pods, by which no Service finds them."""
    return {conventions.LABEL_NAME: pipeline.name, conventions.LABEL_INSTANCE: name(pipeline)}


def objects(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> list[Object]:
    """The CronJob, its account, and what may reach it."""
    settings = pipeline.settings.pods_of(environment).of_training
    found = [*service_accounts(name(pipeline), settings), _policy(pipeline)]
    head = component_label(conventions.COMPONENT_SCORING)
    return [
        {**each, "metadata": {**each["metadata"], "labels": head | each["metadata"].get("labels", {})}}
        for each in (*found, _cron_job(pipeline, environment, scoring, schedule))
    ]


def _cron_job(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> Object:
    settings = pipeline.settings.pods_of(environment).of_training
    template = {
        "metadata": {"labels": labels(pipeline) | component_label(conventions.COMPONENT_SCORING)},
        "spec": _pod(pipeline, environment, scoring),
    }
    document = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name(pipeline)},
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATE_SECONDS,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": scoring.retries,
                    "activeDeadlineSeconds": math.ceil(scoring.deadline.seconds),
                    "podFailurePolicy": _failures(),
                    "template": settled(template, settings),
                }
            },
        },
    }
    return exempt(document, CRON_JOB, pipeline, "scoring", f"environments.{environment}")


def _failures() -> dict[str, Any]:
    """Which failures another try would only repeat; a pod that was evicted costs no try."""
    final = [ExitCode.USAGE, ExitCode.DATA, ExitCode.PACKAGE]
    codes = {"containerName": _CONTAINER, "operator": "In", "values": [int(code) for code in final]}
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": codes},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]
    }


def _pod(pipeline: Pipeline, environment: str, scoring: Scoring) -> dict[str, Any]:
    here = pipeline.environments[environment]
    is_mounted = here.serving.model == "volume"
    settings = pipeline.settings.pods_of(environment).of_training
    package = {"name": conventions.PACKAGE_VOLUME, "mountPath": _PACKAGE, "readOnly": True}
    empty = {"name": conventions.PACKAGE_VOLUME, "emptyDir": {"sizeLimit": "2Gi"}}
    return {
        "serviceAccountName": account_name(name(pipeline), settings),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(pipeline.settings, RAY_USER, RAY_GROUP),
        **({} if is_mounted else {"initContainers": [_bringing(pipeline)]}),
        "containers": [_scoring(pipeline, environment, scoring, package)],
        "volumes": [
            package_volume(pipeline.name) if is_mounted else empty,
            {"name": "scoring", "configMap": {"name": name(pipeline)}},
            tmp_volume("10Gi"),
        ],
    }


def _bringing(pipeline: Pipeline) -> dict[str, Any]:
    """Copies the package out of the image of the release, whose digest Kustomize sets."""
    copy = _COPY.format(source=conventions.IMAGE_PACKAGE_FOLDER, target=_PACKAGE)
    return {
        "name": "package",
        "image": pipeline.name,
        "imagePullPolicy": PULL,
        "command": ["python", "-c", copy],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
            "limits": {"memory": "256Mi", "ephemeral-storage": "2Gi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": conventions.PACKAGE_VOLUME, "mountPath": _PACKAGE}],
    }


def _scoring(
    pipeline: Pipeline, environment: str, scoring: Scoring, package: dict[str, Any]
) -> dict[str, Any]:
    here = pipeline.environments[environment]
    secrets = pipeline.settings.environments[environment].secrets
    job = {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    memory = str(scoring.resources.memory)
    return {
        "name": _CONTAINER,
        "image": f"{here.image_registry}/{training_image(pipeline)}",
        "imagePullPolicy": PULL,
        "command": ["python", "-m", "aimass_compiler.runtime.scoring"],
        "args": [f"{_SCORING}/scoring.json", _PACKAGE, f"--port={conventions.PORT}"],
        "env": [
            {"name": conventions.SCORING_JOB_VARIABLE, "valueFrom": job},
            {"name": "HOME", "value": TMP_MOUNT["mountPath"]},
        ],
        **({"envFrom": [{"secretRef": {"name": each}} for each in secrets]} if secrets else {}),
        "ports": [{"name": conventions.PORT_NAME, "containerPort": conventions.PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": str(scoring.resources.cpu), "memory": memory, "ephemeral-storage": "1Gi"},
            "limits": {"memory": memory, "ephemeral-storage": "12Gi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [package, {"name": "scoring", "mountPath": _SCORING, "readOnly": True}, TMP_MOUNT],
    }


def _policy(pipeline: Pipeline) -> dict[str, Any]:
    """Prometheus asks how far it is; out it goes for the table, wherever that is."""
    prometheus = {conventions.LABEL_NAMESPACE: pipeline.settings.prometheus.namespace}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name(pipeline)},
        "spec": {
            "podSelector": {"matchLabels": labels(pipeline)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": prometheus}}],
                    "ports": [{"port": conventions.PORT_NAME, "protocol": "TCP"}],
                }
            ],
            "egress": [{}],
        },
    }
