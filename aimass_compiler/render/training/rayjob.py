"""The RayJob: one training run on a Ray cluster that comes and goes with it.

Source: https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.names import canonical, digest, shortened
from aimass_compiler.render.object_kind import Object, ObjectKind, Pods, Rank, at
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.training.cluster import TrainingRun, head_and_workers, ray_cluster, submitter
from aimass_compiler.render.training.entrypoint import deadline, from_data_to_package
from aimass_compiler.render.training.job_platform import JobPlatform

#: What KubeRay sets on the pods of a Ray cluster.
LABEL_RAY_CLUSTER = "ray.io/cluster"
#: The operator refuses longer names, because it makes longer ones from them.
_LONGEST_NAME = 47
_DASHBOARD = 8265
_KEEP_SECONDS = 600
_HASH_LENGTH = 8


def _ray_pods(document: Object) -> Iterator[Pods]:
    """The head, and the workers of each group."""
    cluster = at(document, "spec", "rayClusterSpec")
    if head := at(cluster, "headGroupSpec", "template"):
        yield Pods(head, 1)
    for group in at(cluster, "workerGroupSpecs") or ():
        if template := at(group, "template"):
            yield Pods(template, int(at(group, "replicas") or 1))


def _pods_of(live: Object) -> dict[str, str] | None:
    cluster = at(live, "status", "rayClusterName")
    return {LABEL_RAY_CLUSTER: cluster} if cluster else None


RAY_JOB = ObjectKind(
    kind="RayJob",
    group="ray.io",
    rank=Rank.WORKLOAD,
    operator="KubeRay (https://docs.ray.io/en/latest/cluster/kubernetes)",
    pods=_ray_pods,
    finds_pods=_pods_of,
)


def training_job(job: TrainingRun) -> Object:
    """The run as a RayJob; named by its content, because a finished RayJob never runs again.

    Only the compiler's version and what watches it are no part of the name: they train no model again.
    """
    content = canonical(_job_spec(job.unnamed))
    name = shortened(job.name, f"-train-{digest(content)[:_HASH_LENGTH]}", _LONGEST_NAME)
    return ray_job(job, name)


def ray_job(job: TrainingRun, name: str) -> Object:
    """A RayJob of this name, in the queue where there is one.

    Kueue's webhook suspends what has the label. It alone sets `suspend`: else every apply would stop
    a job that runs.
    """
    queue = job.pipeline.settings.queue
    labels = job.labels | ({conventions.LABEL_QUEUE: queue} if queue else {})
    document = {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": name, "labels": labels},
        "spec": _job_spec(job),
    }
    return exempt(document, RAY_JOB, job.pipeline, "training")


def _job_spec(job: TrainingRun) -> dict[str, Any]:
    """The run: all stages on the head, tried once more on a new cluster when that breaks."""
    return {
        "entrypoint": f'bash -c "{from_data_to_package(job)}"',
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEEP_SECONDS,
        **deadline(job),
        "backoffLimit": 1,
        "submitterConfig": {"backoffLimit": 2},
        "submitterPodTemplate": submitter(job),
        "rayClusterSpec": ray_cluster(job),
    }


def _none_beside(job: TrainingRun) -> Sequence[Object]:
    del job
    return ()


KUBERAY = JobPlatform(
    kind=RAY_JOB,
    longest_name=_LONGEST_NAME,
    once=training_job,
    again=ray_job,
    beside=_none_beside,
    groups=head_and_workers,
    stages_in=(("container_name", "ray-head"),),
    ray_in=(("container_name", "ray-head|ray-worker"),),
    # What both KubeRay's Helm chart and its kustomization call the operator's pods, and where it asks how the
    # job goes.
    watched_by=({conventions.LABEL_COMPONENT: "kuberay-operator"}, _DASHBOARD),
)
