"""A CronJob whose pod has the package of what is released beside the image that trains, which reads tables.

The image of the release brings the package. So what is released decides what runs, and a promotion or a
rollback moves servers and such jobs alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.job_resources import JobResources
from aimass_compiler.render.cron_job import EVICTED, cron_job
from aimass_compiler.render.image.training_image import training_image
from aimass_compiler.render.kubernetes_kinds import CRON_JOB
from aimass_compiler.render.names import component_label, wanted_labels
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pod_monitor import monitored_pods
from aimass_compiler.render.pod_security import CONTAINER_SECURITY, PULL, TMP_MOUNT, pod_security, tmp_volume
from aimass_compiler.render.pod_settings import account_name, service_accounts, settled
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.serving.own_server import package_volume
from aimass_compiler.render.training.cluster import RAY_GROUP, RAY_USER

#: Where its pods find the package, and the files of its ConfigMap.
PACKAGE, FILES = "/package", "/etc/aimass"
#: The module of the image that serves can do without a shell.
_COPY = "import shutil; shutil.copytree({source!r}, {target!r}, dirs_exist_ok=True)"


class PackageJob(Struct, frozen=True, kw_only=True):
    """What is run by the clock in one environment."""

    name: str
    """Of its objects, and of the ConfigMap whose files its pods have."""
    component: str
    """The part of the model that it is; also of the container and of what waivers are about."""
    container: str
    args: Sequence[str]
    """Of Python, in the image that trains."""
    schedule: str
    deadline: int
    """How long a run may take with all of its tries, in seconds."""
    retries: int
    final: Sequence[ExitCode]
    """What another try would only repeat."""
    resources: JobResources
    variables: Sequence[Object] = ()


def labels(pipeline: Pipeline, name: str) -> dict[str, str]:
    """The labels of its pods, by which no Service finds them."""
    return {conventions.LABEL_NAME: pipeline.name, conventions.LABEL_INSTANCE: name}


def objects(pipeline: Pipeline, environment: str, job: PackageJob) -> list[Object]:
    """The CronJob, its account, and what may reach it."""
    settings = pipeline.settings.pods_of(environment).of_training
    found = [*service_accounts(job.name, settings), policy(pipeline, job.name)]
    return of_component(job.component, [*found, _cron_job(pipeline, environment, job)])


def of_component(component: str, objects: Iterable[Object]) -> list[Object]:
    """The objects, each with the label of the part of the model that it is."""
    head = component_label(component)
    return [
        {**each, "metadata": {**each["metadata"], "labels": head | each["metadata"].get("labels", {})}}
        for each in objects
    ]


def pod_monitor(pipeline: Pipeline, name: str, relabelings: Sequence[Object] = ()) -> Object:
    """Scrapes the pod as long as it runs."""
    labels = dict(wanted_labels(pipeline.settings))
    relabelled = {"metricRelabelings": [*relabelings]} if relabelings else {}
    return monitored_pods(name, labels, {conventions.LABEL_INSTANCE: name}, relabelled)


def _cron_job(pipeline: Pipeline, environment: str, job: PackageJob) -> Object:
    settings = pipeline.settings.pods_of(environment).of_training
    template = {
        "metadata": {"labels": labels(pipeline, job.name) | component_label(job.component)},
        "spec": pod(pipeline, environment, job),
    }
    document = cron_job(
        job.name,
        job.schedule,
        settled(template, settings),
        retries=job.retries,
        seconds=job.deadline,
        failures=_failures(job),
    )
    return exempt(document, CRON_JOB, pipeline, job.component, f"environments.{environment}")


def _failures(job: PackageJob) -> dict[str, Any]:
    """Which failures another try would only repeat; a pod that was evicted costs no try."""
    codes = {"containerName": job.container, "operator": "In", "values": [int(code) for code in job.final]}
    return {"rules": [{"action": "FailJob", "onExitCodes": codes}, EVICTED]}


def pod(pipeline: Pipeline, environment: str, job: PackageJob) -> dict[str, Any]:
    """What runs it: the package, brought by the image of the release, beside the image that trains."""
    here = pipeline.environments[environment]
    is_mounted = here.serving.model == "volume"
    settings = pipeline.settings.pods_of(environment).of_training
    package = {"name": conventions.PACKAGE_VOLUME, "mountPath": PACKAGE, "readOnly": True}
    empty = {"name": conventions.PACKAGE_VOLUME, "emptyDir": {"sizeLimit": "2Gi"}}
    return {
        "serviceAccountName": account_name(job.name, settings),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(pipeline.settings, RAY_USER, RAY_GROUP),
        **({} if is_mounted else {"initContainers": [_bringing(pipeline)]}),
        "containers": [_container(pipeline, environment, job, package)],
        "volumes": [
            package_volume(pipeline.name) if is_mounted else empty,
            {"name": job.component, "configMap": {"name": job.name}},
            tmp_volume("10Gi"),
        ],
    }


def _bringing(pipeline: Pipeline) -> dict[str, Any]:
    """Copies the package out of the image of the release, whose digest Kustomize sets."""
    copy = _COPY.format(source=conventions.IMAGE_PACKAGE_FOLDER, target=PACKAGE)
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
        "volumeMounts": [{"name": conventions.PACKAGE_VOLUME, "mountPath": PACKAGE}],
    }


def _container(
    pipeline: Pipeline, environment: str, job: PackageJob, package: dict[str, Any]
) -> dict[str, Any]:
    secrets = pipeline.settings.environments[environment].secrets
    memory = str(job.resources.memory)
    module, *args = job.args
    return {
        "name": job.container,
        "image": image(pipeline, environment),
        "imagePullPolicy": PULL,
        "command": ["python", "-m", module],
        "args": [*args, f"--port={conventions.PORT}"],
        "env": [*job.variables, {"name": "HOME", "value": TMP_MOUNT["mountPath"]}],
        **({"envFrom": [{"secretRef": {"name": each}} for each in secrets]} if secrets else {}),
        "ports": [{"name": conventions.PORT_NAME, "containerPort": conventions.PORT, "protocol": "TCP"}],
        "resources": {
            "requests": {"cpu": str(job.resources.cpu), "memory": memory, "ephemeral-storage": "1Gi"},
            "limits": {"memory": memory, "ephemeral-storage": "12Gi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [package, {"name": job.component, "mountPath": FILES, "readOnly": True}, TMP_MOUNT],
    }


def image(pipeline: Pipeline, environment: str) -> str:
    """What reads tables: the image that trains."""
    return f"{pipeline.environments[environment].image_registry}/{training_image(pipeline)}"


def policy(pipeline: Pipeline, name: str, others: Sequence[Object] = ()) -> dict[str, Any]:
    """Prometheus asks how far it is, and others what they must; out it goes for tables, wherever they are."""
    prometheus = {conventions.LABEL_NAMESPACE: pipeline.settings.prometheus.namespace}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": labels(pipeline, name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespaceSelector": {"matchLabels": prometheus}}],
                    "ports": [{"port": conventions.PORT_NAME, "protocol": "TCP"}],
                },
                *others,
            ],
            "egress": [{}],
        },
    }
