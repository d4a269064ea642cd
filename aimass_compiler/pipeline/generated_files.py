"""How much is generated for each model: of what watches it, of its files, and of their layout."""

from __future__ import annotations

from typing import Literal

from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.pipeline.training import JobTarget


class MonitoringSettings(Frozen):
    """How models are watched."""

    rules: Literal["model", "fleet"] = "model"
    """Whose alert rules and dashboards are: each `model` has its own, or all models together, the `fleet`,
    have one set, generated/fleet/monitoring, for each cluster's Prometheus."""

    @property
    def is_of_fleet(self) -> bool:
        """Whether all models have one set of rules."""
        return self.rules == "fleet"


class TrainingSettings(Frozen):
    """Where models are trained on a cluster."""

    target: JobTarget = "kuberay"
    """Whose the training jobs are, of specs that do not say: RayJobs of `kuberay`, or TrainJobs of
    `kubeflow`, Kubeflow Trainer."""


class PipelineSettings(Frozen):
    """What runs the stages one after the other."""

    target: Literal["dvc", "kubeflow"] = "dvc"
    """Only `dvc`, as `aimass run` does, or beside it a pipeline of `kubeflow`, Kubeflow Pipelines, which is
    then generated/MODEL/pipeline/pipeline.yaml."""


class GeneratedFiles(Frozen):
    """What is generated for each model, and how it is laid out."""

    layout: Literal["indented", "compact"] = "indented"
    """How files are laid out: with a line for each value, or with nothing said twice, in half the space."""
    training_job: bool = True
    """Whether each model has a folder train/ with the job that trains it in the cluster; without it, models
    are trained where `aimass run` runs."""
