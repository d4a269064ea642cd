"""What runs the stages one after the other: DVC, or a pipeline of Kubeflow Pipelines beside it."""

from __future__ import annotations

from aimass_compiler.diagnostics import Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.platform import Has, Lacks, Platform


def _is_kubeflow(pipeline: Pipeline, environment: str) -> bool:
    first = next(iter(pipeline.environments))
    return environment == first and pipeline.settings.pipeline.target == "kubeflow"


DVC = Platform(
    area="pipeline",
    name="dvc",
    title="DVC runs the stages where `aimass run` is called, and on a runner",
    chosen_by="the usual one",
    is_chosen=lambda pipeline, environment: not _is_kubeflow(pipeline, environment),
    code="",
    answers={
        "data.sources": Has("files, databases and object stores"),
        "evaluation.gates": Has("the stage `evaluate`"),
        "training.workers": Has("processes of this machine, or a Ray cluster"),
        "training.retries": Has("Ray Tune"),
        "search": Has("Ray Tune"),
    },
)
KUBEFLOW = Platform(
    area="pipeline",
    name="kubeflow",
    title="A pipeline of Kubeflow Pipelines, whose steps run the stages in pods",
    chosen_by="`pipeline: {target: kubeflow}` in aimass.yaml",
    is_chosen=_is_kubeflow,
    code="AM511",
    answers={
        "data.sources": Has("files from the object store"),
        "evaluation.gates": Has("the step `evaluate`, which fails the run"),
        "training.workers": Lacks(
            because="a step is one pod, so that all workers are processes of it",
            instead="train by `aimass train` to have a pod for each",
            severity=Severity.WARNING,
        ),
        "training.retries": Has("Ray Tune, and the step's retry policy"),
        "search": Has("Ray Tune, in the step's pod"),
    },
)
PLATFORMS = (DVC, KUBEFLOW)
