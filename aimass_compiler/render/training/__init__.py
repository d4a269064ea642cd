"""The `train` folder: the training job on a cluster, and its repetition by the clock."""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.emit import emit, emit_all, emit_json
from aimass_compiler.render.names import kustomization
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.pod_settings import service_accounts
from aimass_compiler.render.target import Rendered, Target
from aimass_compiler.render.training import retrain
from aimass_compiler.render.training.cluster import TrainingRun
from aimass_compiler.render.training.findings import findings
from aimass_compiler.render.training.job_abilities import JOB_PLATFORMS
from aimass_compiler.render.training.job_platform import JobPlatform
from aimass_compiler.render.training.network import training_policy
from aimass_compiler.render.training.platforms import PLATFORMS

_JOB_FILE = "job.yaml"


def render(source: PipelineJson) -> Rendered:
    """The files below train/; the first environment is where models are trained."""
    pipeline = source.pipeline
    environment = next(iter(pipeline.environments.values()), None)
    if environment is None or not pipeline.settings.generated.training_job:
        return Rendered()
    job = TrainingRun(source, environment)
    schedule = environment.monitoring.retrain.schedule
    platform = PLATFORMS[pipeline.job_target]
    documents = [platform.once(job), *platform.beside(job), *service_accounts(job.account, job.pods)]
    documents += [training_policy(job, platform), _workspace(job)]
    if schedule is not None:
        documents += retrain.retraining(job, platform, schedule)
    files = {f"train/{_JOB_FILE}": emit_all(documents, pipeline.path)}
    files[f"train/{conventions.PIPELINE_FILE}"] = source.trained_from
    if schedule is not None:
        files[f"train/{retrain.JOB_FILE}"] = emit_json(retrain.retraining_job(job, platform))
    files["train/kustomization.yaml"] = emit(_kustomization(job, platform), pipeline.path)
    return Rendered(files=files)


def _kustomization(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    pinned = {
        "name": job.pipeline_name,
        "files": [conventions.PIPELINE_FILE],
        "options": {"disableNameSuffixHash": True, "immutable": True},
    }
    generators: list[dict[str, Any]] = [pinned]
    if job.environment.monitoring.retrain.schedule is not None:
        generators.append({"name": retrain.manifest_name(job, platform), "files": [retrain.JOB_FILE]})
    return kustomization(
        (
            ("namespace", job.environment.namespace),
            ("resources", [_JOB_FILE]),
            ("labels", [{"pairs": job.labels}]),
            ("configMapGenerator", generators),
        )
    )


def _workspace(job: TrainingRun) -> dict[str, Any]:
    """Head and workers stand on several nodes, so the volume must be one that all of them can write."""
    name = job.pipeline.settings.pods_of(next(iter(job.pipeline.environments))).storage_class
    chosen = {} if name is None else {"storageClassName": name}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": job.workspace_claim},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}, **chosen},
    }


TARGET = Target(
    render=render,
    findings=findings,
    platforms=JOB_PLATFORMS,
    kinds=tuple(kind for each in PLATFORMS.values() for kind in (each.kind, *each.made_beside)),
)
