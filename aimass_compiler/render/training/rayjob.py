"""The RayJob: one training run on a Ray cluster that comes and goes with it.

Source: https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.accepted import passed_over
from aimass_compiler.render.naming import canonical, digest, shortened
from aimass_compiler.render.training.cluster import WORKSPACE, Job, ray_cluster, submitter
from aimass_compiler.stages import STAGE_NAMES

#: The operator refuses longer names, because it makes longer ones from them.
LONGEST_NAME = 47
_KEEP_SECONDS = 600
_START_SECONDS = 1800
_HASH_LENGTH = 8
#: The service test holds a server against what its users wait for, so it belongs where it will serve.
_LAST_STAGE = "package"


def training_job(job: Job) -> dict[str, Any]:
    """The run as a RayJob; named by its content, because a finished RayJob never runs again."""
    spec = job_spec(job)
    suffix = f"-train-{digest(canonical(spec))[:_HASH_LENGTH]}"
    return ray_job(job, shortened(job.name, suffix, LONGEST_NAME), spec)


def ray_job(job: Job, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A RayJob of this name, in the queue where there is one.

    Kueue's webhook suspends what has the label. It alone sets `suspend`: else every apply would stop
    a job that runs.
    """
    queue = job.pipeline.settings.queue
    labels = job.labels | ({conventions.LABEL_QUEUE: queue} if queue else {})
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": name, "labels": labels, **passed_over(job.pipeline, "RayJob", "training")},
        "spec": spec,
    }


def job_spec(job: Job) -> dict[str, Any]:
    """The run: all stages on the head, tried once more on a new cluster when that breaks."""
    return {
        "entrypoint": _from_data_to_package(job.name),
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEEP_SECONDS,
        **_deadline(job),
        "backoffLimit": 1,
        "submitterConfig": {"backoffLimit": 2},
        "submitterPodTemplate": submitter(job),
        "rayClusterSpec": ray_cluster(job),
    }


def _from_data_to_package(model: str) -> str:
    """Every stage in the workspace volume, which starts without what an earlier stage would have left."""
    stages = STAGE_NAMES[: STAGE_NAMES.index(_LAST_STAGE) + 1]
    runtime, root = conventions.RUNTIME_COMMAND, f"--root {WORKSPACE}"
    return 'bash -c "' + " && ".join(f"{runtime} {stage} {model} {root}" for stage in stages) + '"'


def _deadline(job: Job) -> dict[str, int]:
    """Trials that run when the search's time is up may go on as long again."""
    time = job.pipeline.search.time
    return {} if time is None else {"activeDeadlineSeconds": math.ceil(2 * time.seconds) + _START_SECONDS}
