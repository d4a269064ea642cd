"""A table that several pods score by the clock: a CronJob makes a RayJob, and waits until that has ended.

The CronJob ends as the RayJob does, so that no two runs meet, and alerts know of it as of any other job.
KubeRay's own RayCronJob is behind a feature gate that is off by default, does not keep runs apart, and
deletes none of them.

A finished RayJob never runs again, so each run replaces it. What replaces it lies in a ConfigMap, where a
release sets the image that brings the package.
"""

from __future__ import annotations

import math
from typing import Any

from aimass_compiler import conventions, training_names
from aimass_compiler.catalog.quantities import Bytes
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render import package_job
from aimass_compiler.render.cron_job import EVICTED, cron_job
from aimass_compiler.render.emit import json_text
from aimass_compiler.render.kubectl_job import kubectl, replaced, volumes
from aimass_compiler.render.kubernetes_kinds import CRON_JOB
from aimass_compiler.render.names import component_label, model_labels, own_labels, ray_version, shortened
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.package_job import FILES, PACKAGE
from aimass_compiler.render.pod_security import TMP_MOUNT, pod_security, tmp_volume
from aimass_compiler.render.pod_settings import account_name, service_accounts, settled
from aimass_compiler.render.rights import rule
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.scoring.cron_job import SCORING_FILE, name, scores
from aimass_compiler.render.training.cluster import RAY_GROUP, RAY_USER, Amounts, pod_resources, submitting
from aimass_compiler.render.training.rayjob import KUBERAY, RAY_JOB

_COMPONENT = conventions.COMPONENT_SCORING
_HEAD = Amounts(1, Bytes("4Gi"), 0)
#: So long Ray's logs can be read of a run.
_KEEP_SECONDS = 600
#: It hands the job over and follows it, and is started again where it was evicted.
_SUBMISSIONS = 2


def is_scored_by_workers(pipeline: Pipeline, environment: str) -> bool:
    """Whether an environment has such a table."""
    scoring = pipeline.environments[environment].scoring
    return scoring is not None and scoring.workers is not None and scoring.is_of_cluster


def objects(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> list[Object]:
    """The CronJob with what it makes the RayJob of, the accounts of both, and what may reach their pods."""
    settings = pipeline.settings.pods_of(environment).of_training
    peers = {"from": [{"podSelector": {"matchLabels": package_job.labels(pipeline, name(pipeline))}}]}
    found = [
        *service_accounts(name(pipeline), settings),
        _clock(pipeline),
        package_job.policy(pipeline, name(pipeline), [peers, *_operator()]),
        _config_map(pipeline, environment, scoring),
        _cron_job(pipeline, environment, scoring, schedule),
    ]
    return package_job.of_component(_COMPONENT, found)


def rights(pipeline: Pipeline) -> list[dict[str, Any]]:
    """What the clock may do. To create cannot be limited to a name; everything else is."""
    group, resources, named = RAY_JOB.group, [RAY_JOB.resource], [job_name(pipeline)]
    return [
        rule(group, resources, ["create"]),
        rule(group, resources, ["get", "list", "watch", "delete"], named),
    ]


def _operator() -> list[Object]:
    """KubeRay asks Ray's dashboard how the job goes."""
    if KUBERAY.watched_by is None:
        return []
    labels, port = KUBERAY.watched_by
    pods = {"namespaceSelector": {}, "podSelector": {"matchLabels": dict(labels)}}
    return [{"from": [pods], "ports": [{"port": port, "protocol": "TCP"}]}]


def _clock(pipeline: Pipeline) -> Object:
    metadata = {"name": conventions.SCORING_CLOCK.format(model=pipeline.name)}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return {**account, "automountServiceAccountToken": False}


def job_name(pipeline: Pipeline) -> str:
    """Of the RayJob, which may be shorter than others."""
    return shortened(pipeline.name, "-scoring", KUBERAY.longest_name)


def _config_map(pipeline: Pipeline, environment: str, scoring: Scoring) -> Object:
    """The RayJob, and the file that its pods read: both by a fixed name, which the RayJob refers to."""
    data = {
        conventions.ENTRY_JOB: json_text(ray_job(pipeline, environment, scoring)),
        SCORING_FILE: json_text(scoring.model_dump(mode="json")),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name(pipeline)}, "data": data}


def ray_job(pipeline: Pipeline, environment: str, scoring: Scoring) -> Object:
    """The RayJob of one run: each try of the CronJob makes another, which goes on with the next part."""
    queue, found = pipeline.settings.queue, _labels(pipeline, environment)
    command = f"python -m aimass_compiler.runtime.scoring {FILES}/{SCORING_FILE} {PACKAGE} --due"
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {
            "name": job_name(pipeline),
            "labels": found | ({conventions.LABEL_QUEUE: queue} if queue else {}),
        },
        "spec": {
            "entrypoint": f"{command} --root={TMP_MOUNT['mountPath']} --port={training_names.PORT}",
            "submissionMode": "K8sJobMode",
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": _KEEP_SECONDS,
            "activeDeadlineSeconds": math.ceil(scoring.deadline.seconds),
            "backoffLimit": 0,
            "submitterConfig": {"backoffLimit": _SUBMISSIONS},
            "submitterPodTemplate": _submitter(pipeline, environment),
            "rayClusterSpec": _cluster(pipeline, environment, scoring),
        },
    }


def _labels(pipeline: Pipeline, environment: str) -> dict[str, str]:
    """Kustomize gives none to what lies in a ConfigMap."""
    return {
        **dict(own_labels(pipeline.settings)),
        **model_labels(pipeline.name),
        **package_job.labels(pipeline, name(pipeline)),
        **component_label(_COMPONENT),
        conventions.LABEL_ENVIRONMENT: environment,
    }


def _cluster(pipeline: Pipeline, environment: str, scoring: Scoring) -> dict[str, Any]:
    """Blocks are tasks of the workers; the head, which has none, hands them out and writes the report."""
    version = ray_version(pipeline.settings.images.ray)
    each = Amounts(float(scoring.resources.cpu), scoring.resources.memory, 0)
    head = {"name": conventions.PORT_NAME, "containerPort": training_names.PORT, "protocol": "TCP"}
    return {
        "rayVersion": ".".join(map(str, version or ())),
        "authOptions": {"mode": "token"},
        "headGroupSpec": {
            "rayStartParams": {"num-cpus": "0"},
            "template": _template(
                pipeline, environment, scoring, {"name": "ray-head", "ports": [head]}, _HEAD
            ),
        },
        "workerGroupSpecs": [
            {
                "groupName": "blocks",
                "replicas": scoring.workers,
                "minReplicas": scoring.workers,
                "maxReplicas": scoring.workers,
                "rayStartParams": {},
                "template": _template(pipeline, environment, scoring, {"name": "ray-worker"}, each),
            }
        ],
    }


def _template(
    pipeline: Pipeline, environment: str, scoring: Scoring, own: dict[str, Any], asked: Amounts
) -> dict[str, Any]:
    """The pod that would score alone, for a part of the work: KubeRay says what its container runs."""
    alone = package_job.pod(pipeline, environment, scores(pipeline, scoring, scoring.schedule or ""))
    (container,) = alone["containers"]
    kept = {key: value for key, value in container.items() if key not in {"command", "args", "ports"}}
    variables = {conventions.ENGINE_VARIABLE: "ray", "LOGNAME": "ray", "USER": "ray"}
    plain = [each for each in container["env"] if "value" in each]
    env = [*plain, *({"name": key, "value": value} for key, value in variables.items())]
    containers = [{**kept, "env": env, "resources": pod_resources(asked), **own}]
    spec = {key: value for key, value in alone.items() if key != "restartPolicy"} | {"containers": containers}
    pods = pipeline.settings.pods_of(environment).of_training
    template = {"metadata": {"labels": _labels(pipeline, environment)}, "spec": spec}
    return settled(template, pods if own["name"] == "ray-head" else pods.of_workers)


def _submitter(pipeline: Pipeline, environment: str) -> dict[str, Any]:
    """The pod that hands the job to the cluster; the operator's own would break the restricted standard."""
    settings = pipeline.settings.pods_of(environment).of_training
    container = submitting(package_job.image(pipeline, environment), {"HOME": TMP_MOUNT["mountPath"]})
    spec = {
        "serviceAccountName": account_name(name(pipeline), settings),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(pipeline.settings, RAY_USER, RAY_GROUP),
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [tmp_volume("64Mi")],
    }
    return settled({"metadata": {"labels": _labels(pipeline, environment)}, "spec": spec}, settings)


def _cron_job(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> Object:
    settings = pipeline.settings.pods_of(environment).of_training
    labels = package_job.labels(pipeline, name(pipeline)) | component_label(_COMPONENT)
    template = {"metadata": {"labels": labels}, "spec": _pod(pipeline, scoring)}
    document = cron_job(
        name(pipeline),
        schedule,
        settled(template, settings, has_identity=False),
        retries=scoring.retries,
        seconds=math.ceil(scoring.deadline.seconds),
        failures={"rules": [EVICTED]},
    )
    return exempt(document, CRON_JOB, pipeline, _COMPONENT, f"environments.{environment}")


def _pod(pipeline: Pipeline, scoring: Scoring) -> dict[str, Any]:
    """It makes the RayJob, waits for its end whatever that is, and fails where the run did."""
    job = f"{RAY_JOB.resource}.{RAY_JOB.group}/{job_name(pipeline)}"
    ended, succeeded = "jsonpath={.status.endTime}", "jsonpath={.status.jobStatus}=SUCCEEDED"
    wait = ["wait", job, f"--timeout={math.ceil(scoring.deadline.seconds)}s", f"--for={ended}"]
    steps = [
        kubectl(pipeline.settings, "make", replaced(conventions.ENTRY_JOB)),
        kubectl(pipeline.settings, "wait", wait),
    ]
    last = kubectl(pipeline.settings, "judge", ["wait", job, "--timeout=1s", f"--for={succeeded}"])
    return {
        "serviceAccountName": conventions.SCORING_CLOCK.format(model=pipeline.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(pipeline.settings, conventions.RUN_AS_USER),
        "initContainers": steps,
        "containers": [last],
        "volumes": volumes(name(pipeline)),
    }
