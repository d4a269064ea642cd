"""What the pods of a pipeline's steps are on Kubernetes, in the words of Kubeflow Pipelines.

Source: https://github.com/kubeflow/pipelines/blob/master/kubernetes_platform/proto/kubernetes_executor_config.proto
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.object_kind import at
from aimass_compiler.render.pod_security import PULL
from aimass_compiler.render.pod_settings import settled
from aimass_compiler.render.training.cluster import RAY_GROUP, RAY_USER, SCRATCH, WORKSPACE, TrainingRun
from aimass_compiler.render.training.entrypoint import deadline
from aimass_compiler.stages import Stage

#: Where steps find their Secrets, a folder for each.
SECRETS_FOLDER = "/etc/aimass/secrets"


def pod_config(job: TrainingRun, stage: Stage) -> dict[str, Any]:
    """Of a step: its secrets as files, its scratch space, where it may stand and as whom."""
    template = settled({"metadata": {"labels": job.labels}, "spec": {}}, job.pods)
    spec, labels = template["spec"], dict(template["metadata"]["labels"])
    if job.pipeline.settings.queue is not None:
        labels[conventions.LABEL_QUEUE] = job.pipeline.settings.queue
    found: dict[str, Any] = {}
    if stage.name == "train":
        found |= {name: str(math.ceil(seconds)) for name, seconds in deadline(job).items()}
    found["emptyDirMounts"] = [{"mountPath": WORKSPACE, "sizeLimit": SCRATCH, "volumeName": "workspace"}]
    found["imagePullPolicy"] = PULL
    found |= dict(_placement(spec))
    found["podMetadata"] = {"labels": dict(sorted(labels.items()))}
    if job.settings.secrets:
        found["secretAsVolume"] = [
            {"mountPath": f"{SECRETS_FOLDER}/{name}", "optional": False, **_named(name)}
            for name in job.settings.secrets
        ]
    if not job.is_assigned:
        found["securityContext"] = {
            "runAsGroup": str(RAY_GROUP),
            "runAsNonRoot": True,
            "runAsUser": str(RAY_USER),
        }
    return dict(sorted(found.items()))


def _placement(spec: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an environment says of all its pods: where images come from, and which nodes may run them."""
    if secrets := spec.get("imagePullSecrets"):
        yield "imagePullSecret", [_named(each["name"]) for each in secrets]
    required = at(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    if terms := at(required, "nodeSelectorTerms"):
        yield "nodeAffinity", list(terms)
    if nodes := spec.get("nodeSelector"):
        yield "nodeSelector", {"labels": dict(sorted(nodes.items()))}
    if tolerations := spec.get("tolerations"):
        yield "tolerations", list(tolerations)


def _named(name: str) -> dict[str, Any]:
    """A Secret by its name; releases before 2.4 know the first form, later ones the second."""
    return {"secretName": name, "secretNameParameter": {"runtimeValue": {"constant": name}}}
