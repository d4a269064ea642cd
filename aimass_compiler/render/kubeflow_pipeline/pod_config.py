"""What the pods of a pipeline's steps are on Kubernetes, in the words of Kubeflow Pipelines.

Source: https://github.com/kubeflow/pipelines/blob/master/kubernetes_platform/proto/kubernetes_executor_config.proto
"""

from __future__ import annotations

import math
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
    if secrets := spec.get("imagePullSecrets"):
        found["imagePullSecret"] = [_named(each["name"]) for each in secrets]
    terms = at(
        spec,
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    if terms:
        found["nodeAffinity"] = list(terms)
    if nodes := spec.get("nodeSelector"):
        found["nodeSelector"] = {"labels": dict(sorted(nodes.items()))}
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
    if tolerations := spec.get("tolerations"):
        found["tolerations"] = list(tolerations)
    return found


def _named(name: str) -> dict[str, Any]:
    """A Secret by its name; releases before 2.4 know the first form, later ones the second."""
    return {"secretName": name, "secretNameParameter": {"runtimeValue": {"constant": name}}}
