"""A training run on Kubeflow Trainer: a TrainJob, and the TrainingRuntime that says what its nodes are.

The nodes make a Ray cluster of their own. The first runs the stages; trials and workers run on all of them.
Source: https://www.kubeflow.org/docs/components/trainer/ and, of what Trainer makes of it,
https://jobset.sigs.k8s.io/docs/reference/jobset.v1alpha2/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline, node_variables
from aimass_compiler.pipeline.search_space import workers
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.names import canonical, digest, shortened
from aimass_compiler.render.object_kind import Object, ObjectKind, Pods, Rank, at
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.training.cluster import (
    WORKSPACE,
    Amounts,
    PodGroup,
    TrainingRun,
    head_amounts,
    pod,
    pod_resources,
    worker_amounts,
)
from aimass_compiler.render.training.entrypoint import deadline, from_data_to_package
from aimass_compiler.render.training.job_platform import JobPlatform

#: What JobSet sets on the pods of a TrainJob, and where its first node is.
LABEL_JOBSET = "jobset.sigs.k8s.io/jobset-name"
ANNOTATION_COORDINATOR = "jobset.sigs.k8s.io/coordinator"
_GROUP = "trainer.kubeflow.org"
_VERSION = f"{_GROUP}/v1alpha1"
#: What Trainer calls the step, and the container, that trains.
_STEP = f"{_GROUP}/trainjob-ancestor-step"
_NODE = "node"
#: JobSet refuses longer names: a pod is called NAME-node-0-INDEX with five more characters, in 63.
_LONGEST_NAME = 44
_HASH_LENGTH = 8
_STATUS_PORT = 10443
_NEVER_BETTER = (ExitCode.USAGE, ExitCode.DATA, ExitCode.GATE, ExitCode.PACKAGE)
#: The pod whose index in its Job is 0: stages run there, and Ray's port is known only there.
_FIRST_NODE = (("container_name", _NODE), ("label_batch_kubernetes_io_job_completion_index", "0"))
_NODE_PROGRAM = "aimass_compiler.runtime.ray_node"


def _node_pods(document: Object) -> Iterator[Pods]:
    count = int(at(document, "spec", "mlPolicy", "numNodes") or 1)
    for each in at(document, "spec", "template", "spec", "replicatedJobs") or ():
        if template := at(each, "template", "spec", "template"):
            yield Pods(template, count)


def _pods_of(live: Object) -> dict[str, str]:
    return {LABEL_JOBSET: live["metadata"]["name"]}


_OPERATOR = "Kubeflow Trainer (https://www.kubeflow.org/docs/components/trainer/)"
TRAIN_JOB = ObjectKind(
    kind="TrainJob", group=_GROUP, rank=Rank.WORKLOAD, operator=_OPERATOR, finds_pods=_pods_of
)
TRAINING_RUNTIME = ObjectKind(
    kind="TrainingRuntime", group=_GROUP, rank=Rank.CONFIGURATION, operator=_OPERATOR, pods=_node_pods
)


def training_runtime(job: TrainingRun) -> Object:
    """What the nodes are: their pods, how many there are, and when they are tried again."""
    document = {
        "apiVersion": _VERSION,
        "kind": TRAINING_RUNTIME.kind,
        "metadata": {"name": job.account, "labels": job.labels},
        "spec": _runtime_spec(job),
    }
    return exempt(document, TRAINING_RUNTIME, job.pipeline, "training")


def _runtime_spec(job: TrainingRun) -> dict[str, Any]:
    return {
        "mlPolicy": {"numNodes": _nodes(job.pipeline, job.training)},
        "template": {
            "spec": {
                "coordinator": {"replicatedJob": _NODE, "jobIndex": 0, "podIndex": 0},
                "replicatedJobs": [
                    {
                        "name": _NODE,
                        "template": {"metadata": {"labels": {_STEP: "trainer"}}, "spec": _job_template(job)},
                    }
                ],
            }
        },
    }


def _job_template(job: TrainingRun) -> dict[str, Any]:
    """The run is done when its first node is; one that is lost is replaced, as often as a trial would be."""
    never = {"containerName": _NODE, "operator": "In", "values": [int(code) for code in _NEVER_BETTER]}
    return {
        "backoffLimit": job.training.retries,
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": never},
            ]
        },
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
        "template": _node(job),
    }


def _node(job: TrainingRun) -> dict[str, Any]:
    template = pod(job, _NODE, node_amounts(job.training), job.pods.of_workers)
    (container,) = template["spec"]["containers"]
    fields = {
        node_variables.HEAD: f"metadata.annotations['{ANNOTATION_COORDINATOR}']",
        node_variables.OWN_ADDRESS: "status.podIP",
    }
    own = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in sorted(fields.items())
    ]
    node = {
        **container,
        "env": [*container.get("env", ()), *own],
        # The end of its log is what people are told where it fails.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return {**template, "spec": {**template["spec"], "restartPolicy": "Never", "containers": [node]}}


def training_job(job: TrainingRun) -> Object:
    """The run as a TrainJob; named by its content, because one that has ended never runs again.

    Only the compiler's version and what watches it are no part of the name: they train no model again.
    """
    unnamed = job.unnamed
    content = canonical([_runtime_spec(unnamed), _job_spec(unnamed)])
    name = shortened(job.name, f"-train-{digest(content)[:_HASH_LENGTH]}", _LONGEST_NAME)
    return train_job(job, name)


def train_job(job: TrainingRun, name: str) -> Object:
    """A TrainJob of this name, in the queue where there is one, which then suspends it."""
    queue = job.pipeline.settings.queue
    labels = job.labels | ({conventions.LABEL_QUEUE: queue} if queue else {})
    return {
        "apiVersion": _VERSION,
        "kind": TRAIN_JOB.kind,
        "metadata": {"name": name, "labels": labels},
        "spec": _job_spec(job),
    }


def _job_spec(job: TrainingRun) -> dict[str, Any]:
    asked = node_amounts(job.training)
    cores = math.ceil(asked.cpu)  # a trial that asks for 1.5 finds them on no node that tells of one
    node = ["python", "-m", _NODE_PROGRAM, job.pipeline.path, "--root", WORKSPACE]
    amounts = ["--cpus", str(cores), "--gpus", str(asked.gpus)]
    return {
        "runtimeRef": {"apiGroup": _GROUP, "kind": TRAINING_RUNTIME.kind, "name": job.account},
        "trainer": {
            "command": [*node, *amounts, "--", "bash", "-c", from_data_to_package(job)],
            "numNodes": _nodes(job.pipeline, job.training),
            "resourcesPerNode": pod_resources(asked),
        },
        **deadline(job),
    }


def node_amounts(training: Training) -> Amounts:
    """What each node asks for: nodes are alike, and the first runs stages beside trials."""
    return worker_amounts(training)._replace(memory=head_amounts(training).memory)


def _nodes(pipeline: Pipeline, training: Training) -> int:
    _, most = workers(pipeline, training)
    return most


def _groups(pipeline: Pipeline, training: Training) -> tuple[PodGroup, ...]:
    return (PodGroup(_nodes(pipeline, training), node_amounts(training)),)


def _beside(job: TrainingRun) -> Sequence[Object]:
    return (training_runtime(job),)


KUBEFLOW = JobPlatform(
    kind=TRAIN_JOB,
    longest_name=_LONGEST_NAME,
    once=training_job,
    again=train_job,
    beside=_beside,
    made_beside=(TRAINING_RUNTIME,),
    groups=_groups,
    stages_in=_FIRST_NODE,
    ray_in=_FIRST_NODE,
    # What Trainer's Helm chart and its kustomization call its pods, and where jobs tell how they go.
    reports_to=({conventions.LABEL_NAME: "trainer"}, _STATUS_PORT),
)
