"""The Ray cluster of a training job: a head that coordinates and workers that run the trials."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.searched import at_once
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.image.recorded import recorded
from aimass_compiler.render.naming import (
    component_label,
    digest,
    model_labels,
    own_labels,
    ray_version,
    shortened,
    training_labels,
)
from aimass_compiler.render.security import (
    CONTAINER_SECURITY,
    PULL,
    TMP_MOUNT,
    is_assigned,
    pod_security,
    tmp_volume,
)
from aimass_compiler.render.shared import Shared
from aimass_compiler.values import Bytes

COMPONENT = "training"
WORKSPACE = "/workspace"
_LEAST_HEAD_MEMORY = Bytes("4Gi")
_RAY_USER = 1000
_RAY_GROUP = 100  # the group of the user `ray` in Ray's images
_LONGEST_NAME = 63
#: Ray's logs, and what it spills, lie below /tmp.
_SCRATCH = "20Gi"


@dataclass(frozen=True)
class Job:
    """What one training run needs to know: the model, and where it trains."""

    shared: Shared
    environment: EnvironmentPipeline

    @property
    def pipeline(self) -> Pipeline:
        return self.shared.pipeline

    @property
    def name(self) -> str:
        return self.pipeline.name

    @property
    def training(self) -> Training:
        return self.environment.training

    @property
    def account(self) -> str:
        """The ServiceAccount of the pods."""
        return f"{self.name}-training"

    @property
    def workspace_claim(self) -> str:
        """The volume that is the project's root on the cluster: data/ goes in, artifacts/ comes out."""
        return f"{self.name}-workspace"

    @cached_property
    def pipeline_name(self) -> str:
        """The ConfigMap of pipeline.json, named by content: kustomize renames no reference in a RayJob."""
        content = digest(self.shared.cluster_training_file)
        return shortened(self.name, f"-pipeline-{content}", _LONGEST_NAME)

    @cached_property
    def image(self) -> str:
        """The training image; its tag names the Dockerfile that it is built from."""
        name, tag = conventions.TRAINING_IMAGE.format(model=self.name), self.shared.training_tag
        known = recorded(self.pipeline.settings.images, name, tag)
        return f"{self.environment.image_registry}/{name}:{tag}" + (f"@{known}" if known else "")

    @cached_property
    def labels(self) -> dict[str, str]:
        return (
            dict(own_labels(self.pipeline.settings))
            | model_labels(self.name)
            | component_label(COMPONENT)
            | training_labels(self.name)
        )


def ray_cluster(job: Job) -> dict[str, Any]:
    """As many workers as trials run at once: nothing scales, so a queue can admit the job as a whole."""
    training, workers = job.training, at_once(job.pipeline)
    version = ray_version(job.pipeline.settings.images.ray)
    return {
        "rayVersion": ".".join(map(str, version or ())),
        "authOptions": {"mode": "token"},
        "headGroupSpec": {
            "rayStartParams": {"num-cpus": "0"},
            "template": _pod(job, "ray-head", _head_resources(training)),
        },
        "workerGroupSpecs": [
            {
                "groupName": "trials",
                "replicas": workers,
                "minReplicas": workers,
                "maxReplicas": workers,
                "rayStartParams": {},
                "template": _pod(job, "ray-worker", _worker_resources(training)),
            }
        ],
    }


def submitter(job: Job) -> dict[str, Any]:
    """The pod that hands the job to the cluster; the operator's own would break the restricted standard."""
    container = {
        "name": "ray-job-submitter",
        "image": job.image,
        "imagePullPolicy": PULL,
        **_named_user(job),
        "resources": {
            "requests": {"cpu": "200m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "512Mi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [TMP_MOUNT],
    }
    return {
        "metadata": {"labels": job.labels},
        "spec": {
            **_identity(job),
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [tmp_volume("64Mi")],
        },
    }


def _pod(job: Job, container: str, resources: dict[str, Any]) -> dict[str, Any]:
    generated = f"{WORKSPACE}/{conventions.GENERATED_FOLDER}/{job.name}"
    return {
        "metadata": {"labels": job.labels},
        "spec": {
            **_identity(job),
            "containers": [
                {
                    "name": container,
                    "image": job.image,
                    "imagePullPolicy": PULL,
                    **_named_user(job),
                    **_secrets(job),
                    "resources": resources,
                    "securityContext": CONTAINER_SECURITY,
                    "volumeMounts": [
                        {"name": "workspace", "mountPath": WORKSPACE},
                        {"name": "pipeline", "mountPath": generated, "readOnly": True},
                        TMP_MOUNT,
                    ],
                }
            ],
            "volumes": [
                {"name": "workspace", "persistentVolumeClaim": {"claimName": job.workspace_claim}},
                {"name": "pipeline", "configMap": {"name": job.pipeline_name}},
                tmp_volume(_SCRATCH),
            ],
        },
    }


def _secrets(job: Job) -> dict[str, Any]:
    """Names only: what is in a Secret never passes through here."""
    here = job.pipeline.settings.environments[next(iter(job.pipeline.environments))]
    return {"envFrom": [{"secretRef": {"name": name}} for name in here.secrets]} if here.secrets else {}


def _named_user(job: Job) -> dict[str, Any]:
    """A name and a home for a user whom the image does not know: Ray, DVC and PyTorch ask for both."""
    if not is_assigned(job.pipeline.settings):
        return {}
    named = {"HOME": TMP_MOUNT["mountPath"], "LOGNAME": "ray", "USER": "ray"}
    return {"env": [{"name": name, "value": value} for name, value in named.items()]}


def _identity(job: Job) -> dict[str, Any]:
    return {
        "serviceAccountName": job.account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(job.pipeline.settings, _RAY_USER, _RAY_GROUP),
    }


def _worker_resources(training: Training) -> dict[str, Any]:
    """Requests are limits, for Ray hands out as many cores and as much memory as the limits say."""
    cores = training.resources.cpu
    amounts = {"cpu": _cores(cores), "memory": str(training.resources.memory)}
    if training.gpus:
        amounts[conventions.GPU_RESOURCE] = str(training.gpus)
    return _with_scratch(amounts)


def _head_resources(training: Training) -> dict[str, Any]:
    """The head runs every stage; a search alone goes to the workers, which read what the head reads."""
    memory = max(training.resources.memory, _LEAST_HEAD_MEMORY, key=lambda amount: amount.size)
    amounts = {"cpu": "1", "memory": str(memory)}
    return _with_scratch(amounts)


def _with_scratch(amounts: dict[str, str]) -> dict[str, Any]:
    """Requests are limits but for the disk, which Ray needs only where objects do not fit into memory."""
    return {
        "requests": {**amounts, "ephemeral-storage": "1Gi"},
        "limits": {**amounts, "ephemeral-storage": _SCRATCH},
    }


def _cores(cores: float) -> str:
    return str(int(cores)) if float(cores).is_integer() else f"{round(cores * 1000)}m"
