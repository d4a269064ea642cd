"""The RayJob: one training run on a Ray cluster that comes and goes with it.

Source: https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.names import canonical, digest, shortened
from aimass_compiler.render.object_kind import Object, ObjectKind, Pods, Rank, at
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.training.cluster import WORKSPACE, TrainingRun, ray_cluster, submitter
from aimass_compiler.stages import STAGE_NAMES

#: The operator refuses longer names, because it makes longer ones from them.
LONGEST_NAME = 47
_KEEP_SECONDS = 600
_START_SECONDS = 1800
_HASH_LENGTH = 8
_EXCHANGE = "python -m aimass_compiler.runtime.exchange"
#: The service test holds a server against what its users wait for, so it belongs where it will serve.
_LAST_STAGE = "package"


def _ray_pods(document: Object) -> Iterator[Pods]:
    """The head, and the workers of each group."""
    cluster = at(document, "spec", "rayClusterSpec")
    if head := at(cluster, "headGroupSpec", "template"):
        yield Pods(head, 1)
    for group in at(cluster, "workerGroupSpecs") or ():
        if template := at(group, "template"):
            yield Pods(template, int(at(group, "replicas") or 1))


RAY_JOB = ObjectKind(
    kind="RayJob",
    group="ray.io",
    rank=Rank.WORKLOAD,
    operator="KubeRay (https://docs.ray.io/en/latest/cluster/kubernetes)",
    pods=_ray_pods,
)


def training_job(job: TrainingRun) -> Object:
    """The run as a RayJob; named by its content, because a finished RayJob never runs again.

    Only the compiler's version is no part of the name: an upgrade alone trains no model again.
    """
    content = canonical(job_spec(replace(job, version="")))
    name = shortened(job.name, f"-train-{digest(content)[:_HASH_LENGTH]}", LONGEST_NAME)
    return ray_job(job, name, job_spec(job))


def ray_job(job: TrainingRun, name: str, spec: dict[str, Any]) -> Object:
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
        "spec": spec,
    }
    return exempt(document, RAY_JOB, job.pipeline, "training")


def job_spec(job: TrainingRun) -> dict[str, Any]:
    """The run: all stages on the head, tried once more on a new cluster when that breaks."""
    return {
        "entrypoint": _from_data_to_package(job),
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEEP_SECONDS,
        **_deadline(job),
        "backoffLimit": 1,
        "submitterConfig": {"backoffLimit": 2},
        "submitterPodTemplate": submitter(job),
        "rayClusterSpec": ray_cluster(job),
    }


def _from_data_to_package(job: TrainingRun) -> str:
    """Every stage in the workspace volume, which starts without what an earlier stage would have left.

    Where there is a store, rows come from it before, and what was learned goes there before it is judged: who
    submitted the job judges it again.
    """
    stages = STAGE_NAMES[: STAGE_NAMES.index(_LAST_STAGE) + 1]
    model, root, store = job.pipeline.path, f"--root {WORKSPACE}", job.settings.store
    commands = [f"{conventions.RUNTIME_COMMAND} {stage} {model} {root}" for stage in stages]
    if store is not None:
        commands = [f"{_EXCHANGE} stage {model} {store} {stage} {root}" for stage in stages]
        learned = 1 + stages.index("train")
        results = " ".join(f"{conventions.ARTIFACTS_FOLDER}/{model}/{stage}" for stage in stages[:learned])
        commands.insert(learned, f"{_EXCHANGE} send {model} {store} {results} {root}")
        commands.insert(0, f"{_EXCHANGE} receive {model} {store} {root}")
    if job.settings.engine != "local":
        commands.insert(0, f"export {conventions.ENGINE_VARIABLE}={job.settings.engine}")
    return 'bash -c "' + " && ".join(commands) + '"'


def _deadline(job: TrainingRun) -> dict[str, int]:
    """Trials that run when the search's time is up may go on as long again."""
    time = job.pipeline.search.time
    return {} if time is None else {"activeDeadlineSeconds": math.ceil(2 * time.seconds) + _START_SECONDS}
