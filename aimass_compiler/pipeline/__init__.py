"""The typed normal form of one model: resolved, frozen, JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from aimass_compiler import conventions, model_path
from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.artifact import Artifact
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice, ModelOrChoice
from aimass_compiler.catalog.quantities import Frozen, is_absent
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.diagnostics import Path
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.columns import Column, feature_types, row_columns
from aimass_compiler.pipeline.data import Data
from aimass_compiler.pipeline.evaluation import Evaluation, Repetition, Retraining
from aimass_compiler.pipeline.flow import Flow
from aimass_compiler.pipeline.model_name import ModelName
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.quantization import Quantization
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.pipeline.serving import Replicas, Serving
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.training import JobTarget, Objective, Search, Training
from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.stages import Stage, stages_of


class Metadata(Frozen):
    """Which model this is, and whose."""

    name: ModelName
    """A DNS label of at most 40 characters; it names every folder, stage, job and service."""
    owner: str = ""
    """Who answers for the model: a team or an address."""
    description: str = ""
    """What the model predicts, in a sentence."""


class EnvironmentPipeline(Frozen):
    """What one environment runs, with its overrides applied."""

    namespace: str
    """The Kubernetes namespace."""
    image_registry: str
    """Where the images lie."""
    serving: Serving
    monitoring: Monitoring
    training: Training
    accelerator: Accelerator | None = Field(None, exclude_if=is_absent)
    """What each server and each training worker has; None for what runs on CPUs alone."""
    scoring: Scoring | None = Field(None, exclude_if=is_absent)
    """The table that is scored; None where there is none."""

    @property
    def server_accelerators(self) -> int:
        """How many each server has, on all of its nodes."""
        if self.accelerator is None or not engine_named(self.serving.engine).runs_on_accelerators:
            return 0
        return self.accelerator.count * (self.serving.nodes or 1)

    @property
    def training_accelerators(self) -> int:
        """How many all workers of a training job have at most."""
        return self.training.worker_range[1] * self.training.gpus


class Pipeline(Frozen):
    """One model, with every default written out."""

    format: Literal["aimass.pipeline/v1"] = conventions.PIPELINE_FORMAT  # type: ignore[assignment]  # the constant's value
    metadata: Metadata
    team: str | None = Field(None, exclude_if=is_absent)
    """Whose model it is: the folder of its spec; none where that is specs/ itself."""
    data: Data
    task: Task
    features: tuple[Annotated[Transform, OneOf("transforms")], ...]
    model: Annotated[Model | ModelChoice, ModelOrChoice()]
    objective: Objective
    search: Search
    training: Training
    evaluation: Evaluation
    retraining: Retraining = Field(default_factory=Retraining.default)
    repetition: Repetition | None = Field(None, exclude_if=is_absent)
    """What the repeat stage does; none where the spec asks for no folds and no seeds."""
    quantize: Quantization | None = Field(None, exclude_if=is_absent)
    """How the weights of a language model are made smaller; by default they stay as they are."""
    serving: Serving
    monitoring: Monitoring
    scoring: Scoring | None = Field(None, exclude_if=is_absent)
    """The table that is scored as a whole; None where there is none."""
    environments: Mapping[str, EnvironmentPipeline]
    settings: Settings = Field(exclude=True)
    """The organisation's settings; not part of what the runtime reads."""
    waivers: tuple[Waiver, ...] = Field((), exclude=True)
    """The warnings that are accepted in the spec; they train nothing again."""

    @property
    def name(self) -> str:
        """What Kubernetes objects and metrics call it, which another team's model may be called, too."""
        return self.metadata.name

    @property
    def path(self) -> str:
        """What files and people call it, which no other model is called."""
        return model_path.path_of(self.team or "", self.name)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in their order."""
        is_kept = self.scoring is not None and self.scoring.is_kept_here
        watches = bool(self.monitoring.drift.representation)
        return stages_of(repeats=self.repetition is not None, scores=is_kept, watches=watches)

    @property
    def first_model(self) -> Model:
        """The model, or the first to choose from: all of them read the same examples, or AM218 says so."""
        return self.model.candidates[0]

    @property
    def artifact(self) -> Artifact[Any]:
        """What training leaves and what is packaged of it, for the engine that serves."""
        is_adapter = self.serving.adapter_of is not None
        return self.first_model.artifact.made_for(self.serving.engine, is_adapter=is_adapter)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The pipeline as JSON has it, every default written out."""
        return self.model_dump(mode="json")

    @property
    def job_target(self) -> JobTarget:
        """Whose operator runs the training job, which runs in the first environment."""
        first = next(iter(self.environments.values()), self)
        return first.training.target or self.settings.training.target

    def replicas_in(self, environment: str) -> tuple[Replicas, Path, str]:
        """How many servers run, and where that is written: the path, and the file unless it is the spec."""
        serving = self.environments[environment].serving
        server = self.settings.servers.get(serving.shared) if serving.shared else None
        if server is None:
            return serving.replicas, ("serving", "replicas"), ""
        return server.replicas, ("servers", str(serving.shared), "replicas"), conventions.SETTINGS_FILE

    def server_images(self, environment: str) -> Mapping[str, str]:
        """What servers of an environment are made from, by the keys of `images` in aimass.yaml."""
        here, images = self.environments[environment], self.settings.images
        if not engine_named(here.serving.engine).runs_on_accelerators:
            return {"python": images.python}
        return {"vllm_cpu": images.vllm_cpu} if here.accelerator is None else {"vllm": images.vllm}

    @cached_property
    def row_columns(self) -> Mapping[str, Column]:
        """The columns of the rows that are learned from: those of the data, and a history."""
        return row_columns(self.data.columns, self.task)

    @cached_property
    def flow(self) -> Flow:
        """The columns on their way through the features; worked out once, and no part of pipeline.json."""
        flow = Flow(feature_types(self.row_columns, self.task.columns))
        for transform in self.features:
            flow = flow.through(transform)
        return flow

    @property
    def inputs(self) -> frozenset[str]:
        """The columns whose values reach the model; training may leave out more, by `select`."""
        if self.task.conversation is not None:
            return frozenset(self.task.conversation.columns or (self.task.target,))
        origins, reads = self.flow.origins(), self.first_model.examples.reads
        reached = (origins[name] for name, kind in self.flow.outcome.items() if isinstance(kind, reads))
        return frozenset[str]().union(*reached)
