"""The Ray cluster of a training job: a head that coordinates and workers that run the trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from aimass_compiler import conventions, training_names
from aimass_compiler.catalog.quantities import Bytes
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.pod_settings import PodSettings, TrainingPodSettings
from aimass_compiler.pipeline.search_space import workers
from aimass_compiler.pipeline.settings import EnvironmentSettings
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.image.training_image import training_image
from aimass_compiler.render.names import (
    component_label,
    digest,
    model_labels,
    own_labels,
    ray_version,
    shortened,
    training_labels,
)
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.pod_security import (
    CONTAINER_SECURITY,
    PULL,
    TMP_MOUNT,
    is_assigned,
    pod_security,
    tmp_volume,
)
from aimass_compiler.render.pod_settings import settled
from aimass_compiler.version import __version__

COMPONENT = conventions.COMPONENT_TRAINING
WORKSPACE = "/workspace"
_HEAD_CORES = 1
_LEAST_HEAD_MEMORY = Bytes("4Gi")
RAY_USER = 1000
RAY_GROUP = 100  # the group of the user `ray` in Ray's images
_LONGEST_NAME = 63
#: Ray's logs, and what it spills, lie below /tmp.
SCRATCH = "20Gi"


class Amounts(NamedTuple):
    """What one pod asks for."""

    cpu: float
    memory: Bytes
    gpus: int


class PodGroup(NamedTuple):
    """Pods that ask for the same."""

    pods: int
    each: Amounts


@dataclass(frozen=True)
class TrainingRun:
    """What one training run needs to know: the model, and where it trains."""

    source: PipelineJson
    environment: EnvironmentPipeline
    version: str = __version__
    """The compiler's, in the image that trains."""
    is_watched: bool = True
    """Whether its pods are told to show how far they are."""

    @property
    def unnamed(self) -> TrainingRun:
        """The run without what does not decide what it leaves, and so has no part in its name."""
        return replace(self, version="", is_watched=False)

    @property
    def pipeline(self) -> Pipeline:
        return self.source.pipeline

    @property
    def name(self) -> str:
        return self.pipeline.name

    @property
    def training(self) -> Training:
        return self.environment.training

    @property
    def settings(self) -> EnvironmentSettings:
        """Of the first environment, where models are trained."""
        return self.pipeline.settings.environments[next(iter(self.pipeline.environments))]

    @property
    def pods(self) -> TrainingPodSettings:
        """What the environment says of the pods of training jobs."""
        return self.pipeline.settings.pods_of(next(iter(self.pipeline.environments))).of_training

    @property
    def is_assigned(self) -> bool:
        """Whether the platform says whom pods run as."""
        return is_assigned(self.pipeline.settings)

    @property
    def account(self) -> str:
        """The ServiceAccount of the pods, unless one exists for them; other objects have its name, too."""
        return conventions.TRAINING_ACCOUNT.format(model=self.name)

    @property
    def workspace_claim(self) -> str:
        """The volume that is the project's root on the cluster: data/ goes in, artifacts/ comes out."""
        return conventions.WORKSPACE.format(model=self.name)

    @cached_property
    def pipeline_name(self) -> str:
        """The ConfigMap of pipeline.json, named by content: kustomize renames no reference in a RayJob."""
        content = digest(self.source.trained_from)
        return shortened(self.name, f"-pipeline-{content}", _LONGEST_NAME)

    @cached_property
    def image(self) -> str:
        """The training image; its tag names the Dockerfile that it is built from."""
        return f"{self.environment.image_registry}/{training_image(self.pipeline, self.version)}"

    @cached_property
    def labels(self) -> dict[str, str]:
        return (
            dict(own_labels(self.pipeline.settings))
            | model_labels(self.name)
            | component_label(COMPONENT)
            | training_labels(self.name)
        )


def ray_cluster(job: TrainingRun) -> dict[str, Any]:
    """The workers of all trials that run at once: nothing scales, so a queue can admit the job as a whole.

    With `workers: {min: …, max: …}` training begins with fewer, where no more find a node.
    """
    training = job.training
    least, most = workers(job.pipeline, training)
    version = ray_version(job.pipeline.settings.images.ray)
    return {
        "rayVersion": ".".join(map(str, version or ())),
        "authOptions": {"mode": "token"},
        "headGroupSpec": {
            "rayStartParams": {"num-cpus": "0"},
            "template": pod(job, "ray-head", head_amounts(training), job.pods),
        },
        "workerGroupSpecs": [
            {
                "groupName": "trials",
                "replicas": most,
                "minReplicas": least,
                "maxReplicas": most,
                "rayStartParams": {},
                "template": pod(job, "ray-worker", worker_amounts(training), job.pods.of_workers),
            }
        ],
    }


def submitter(job: TrainingRun) -> dict[str, Any]:
    """The pod that hands the job to the cluster; the operator's own would break the restricted standard."""
    template = {
        "metadata": {"labels": job.labels},
        "spec": {
            **_identity(job),
            "restartPolicy": "Never",
            "containers": [submitting(job.image, _user(job))],
            "volumes": [tmp_volume("64Mi")],
        },
    }
    return settled(template, job.pods)


def submitting(image: str, variables: dict[str, str]) -> dict[str, Any]:
    """Its container, as KubeRay knows it by its name."""
    return {
        "name": "ray-job-submitter",
        "image": image,
        "imagePullPolicy": PULL,
        **_variables(variables),
        "resources": {
            "requests": {"cpu": "200m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "512Mi"},
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [TMP_MOUNT],
    }


def pod(job: TrainingRun, container: str, asked: Amounts, settings: PodSettings) -> dict[str, Any]:
    """The template of a pod that computes, with the volume and the model's recipe, where it may stand."""
    generated = f"{WORKSPACE}/{conventions.GENERATED_FOLDER}/{job.pipeline.path}"
    template = {
        "metadata": {"labels": job.labels},
        "spec": {
            **_identity(job),
            "containers": [
                {
                    "name": container,
                    "image": job.image,
                    "imagePullPolicy": PULL,
                    **_variables({**_user(job), **_watched(job)}),
                    **_secrets(job),
                    "resources": pod_resources(asked),
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
                tmp_volume(SCRATCH),
            ],
        },
    }
    return settled(template, settings)


def _secrets(job: TrainingRun) -> dict[str, Any]:
    """Names only: what is in a Secret never passes through here."""
    names = job.settings.secrets
    return {"envFrom": [{"secretRef": {"name": name}} for name in names]} if names else {}


def _variables(values: dict[str, str]) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in values.items()]} if values else {}


def _user(job: TrainingRun) -> dict[str, str]:
    """A name and a home for a user whom the image does not know: Ray, DVC and PyTorch ask for both."""
    return {"HOME": TMP_MOUNT["mountPath"], "LOGNAME": "ray", "USER": "ray"} if job.is_assigned else {}


def _watched(job: TrainingRun) -> dict[str, str]:
    """Where stages show Prometheus how far they are."""
    return {training_names.VARIABLE_PORT: str(training_names.PORT)} if job.is_watched else {}


def _identity(job: TrainingRun) -> dict[str, Any]:
    return {
        "serviceAccountName": job.account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(job.pipeline.settings, RAY_USER, RAY_GROUP),
    }


def head_amounts(training: Training) -> Amounts:
    """What the head asks for: it runs every stage, but a search goes to the workers."""
    memory = max(training.resources.memory, _LEAST_HEAD_MEMORY, key=lambda amount: amount.size)
    return Amounts(_HEAD_CORES, memory, 0)


def worker_amounts(training: Training) -> Amounts:
    """What one worker asks for."""
    return Amounts(training.resources.cpu, training.resources.memory, training.gpus)


def head_and_workers(pipeline: Pipeline, training: Training) -> tuple[PodGroup, ...]:
    """All pods of a Ray cluster that ask for much."""
    _, most = workers(pipeline, training)
    return PodGroup(1, head_amounts(training)), PodGroup(most, worker_amounts(training))


def pod_resources(asked: Amounts) -> dict[str, Any]:
    """Requests are limits, for Ray hands out as many cores and as much memory as the limits say.

    But for the disk, which Ray needs only where objects do not fit into memory.
    """
    amounts = {"cpu": _cores(asked.cpu), "memory": str(asked.memory)}
    if asked.gpus:
        amounts[conventions.GPU_RESOURCE] = str(asked.gpus)
    return {
        "requests": {**amounts, "ephemeral-storage": "1Gi"},
        "limits": {**amounts, "ephemeral-storage": SCRATCH},
    }


def _cores(cores: float) -> str:
    return str(int(cores)) if float(cores).is_integer() else f"{round(cores * 1000)}m"
