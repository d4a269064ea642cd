"""The `train` folder: the training job on a Ray cluster, and its repetition by the clock."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.naming import kustomization
from aimass_compiler.render.shared import Shared
from aimass_compiler.render.training import retrain
from aimass_compiler.render.training.cluster import Job
from aimass_compiler.render.training.findings import EXPLANATIONS, findings
from aimass_compiler.render.training.rayjob import training_job

__all__ = ["EXPLANATIONS", "findings", "render"]


def render(shared: Shared) -> dict[str, bytes]:
    """The files below train/; the first environment is where models are trained."""
    pipeline = shared.pipeline
    environment = next(iter(pipeline.environments.values()), None)
    if environment is None:
        return {}
    job = Job(shared, environment)
    schedule = environment.monitoring.retrain.schedule
    documents = [training_job(job), _account(job), _workspace(job)]
    if schedule is not None:
        documents += retrain.retraining(job, schedule)
    files = {f"train/{_file(document)}": emit(document, pipeline.name) for document in documents}
    files[f"train/{conventions.PIPELINE_FILE}"] = shared.cluster_training_file
    if schedule is not None:
        files[f"train/{retrain.RAY_JOB_FILE}"] = emit_json(retrain.retraining_job(job))
    files["train/kustomization.yaml"] = emit(_kustomization(job, documents), pipeline.name)
    return files


def _kustomization(job: Job, documents: list[dict[str, Any]]) -> dict[str, Any]:
    pinned = {
        "name": job.pipeline_name,
        "files": [conventions.PIPELINE_FILE],
        "options": {"disableNameSuffixHash": True, "immutable": True},
    }
    generators: list[dict[str, Any]] = [pinned]
    if job.environment.monitoring.retrain.schedule is not None:
        generators.append({"name": retrain.manifest_name(job), "files": [retrain.RAY_JOB_FILE]})
    return kustomization(
        (
            ("namespace", job.environment.namespace),
            ("resources", [_file(document) for document in documents]),
            ("labels", [{"pairs": job.labels}]),
            ("configMapGenerator", generators),
        )
    )


def _account(job: Job) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": job.account},
        "automountServiceAccountToken": False,
    }


def _workspace(job: Job) -> dict[str, Any]:
    """Head and workers stand on several nodes, so the volume must be one that all of them can write."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": job.workspace_claim},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}},
    }


def _file(document: dict[str, Any]) -> str:
    """A file's name tells its object: the kind, and the role where a kind comes twice."""
    kind, name = document["kind"].lower(), document["metadata"]["name"]
    role = "-retrain" if kind == "serviceaccount" and name.endswith("-retrain") else ""
    return f"{kind}{role}.yaml"
