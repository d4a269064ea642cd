"""The `pipeline` folder: the stages as a pipeline of Kubeflow Pipelines, whose API takes it as it is.

Each step runs one stage in the image that trains. Files come from the object store and go there, by what they
hold; a step tells the next ones the name of what it left, by which Kubeflow's cache knows them.
Source: https://www.kubeflow.org/docs/components/pipelines/reference/component-spec/ and
https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto
"""

from __future__ import annotations

from typing import Any

from aimass_compiler.render.emit import emit_all
from aimass_compiler.render.kubeflow_pipeline.findings import findings
from aimass_compiler.render.kubeflow_pipeline.platforms import PLATFORMS
from aimass_compiler.render.kubeflow_pipeline.pod_config import pod_config
from aimass_compiler.render.kubeflow_pipeline.steps import PipelineStep, steps_of
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.target import Rendered, Target
from aimass_compiler.render.training.cluster import TrainingRun

_FILE = "pipeline/pipeline.yaml"
#: Of the compiler of Kubeflow's SDK that writes the same.
_SDK = "kfp-2.17.3"


def render(source: PipelineJson) -> Rendered:
    """The pipeline and, as a second document, what its pods are on Kubernetes."""
    pipeline = source.pipeline
    environment = next(iter(pipeline.environments.values()), None)
    if environment is None or pipeline.settings.pipeline.target != "kubeflow":
        return Rendered()
    job = TrainingRun(source, environment)
    if job.settings.store is None:  # which is a finding
        return Rendered()
    steps = steps_of(job, job.settings.store)
    executors = {step.executor: pod_config(job, step.stage) for step in steps}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    return Rendered(files={_FILE: emit_all((_specification(job, steps), platform), pipeline.path)})


def _specification(job: TrainingRun, steps: list[PipelineStep]) -> dict[str, Any]:
    described = " ".join(job.pipeline.metadata.description.split())
    about = {"description": described} if described else {}
    return {
        "components": {step.component: step.definition() for step in steps},
        "deploymentSpec": {"executors": {step.executor: step.container(job) for step in steps}},
        "pipelineInfo": {**about, "name": job.name},
        "root": {"dag": {"tasks": {step.stage.name: step.task(job) for step in steps}}},
        "schemaVersion": "2.1.0",
        "sdkVersion": _SDK,
    }


TARGET = Target(render=render, findings=findings, platforms=PLATFORMS)
