"""The steps of a pipeline of Kubeflow Pipelines: what each is given, runs and leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.search_space import workers
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.dvc import reads_unseen
from aimass_compiler.render.kubeflow_pipeline.pod_config import SECRETS_FOLDER
from aimass_compiler.render.training.cluster import WORKSPACE, TrainingRun, head_amounts, worker_amounts
from aimass_compiler.stages import Stage, stages_of
from aimass_compiler.stages.recipe import recipe_digest

_PROGRAM = "aimass_compiler.runtime.pipeline_step"
#: What a step is given beside the names of what earlier ones left, and what it tells later ones.
_RECIPE, _LEFT = "recipe", "left"
_TEXT = {"parameterType": "STRING"}
_GIB, _GIGABYTE = 2**30, 10**9
#: The first stage asks the store each time: Kubeflow cannot know whether the data changed.
_FIRST = "prepare"
#: What fits the model, so that a pod that died is worth another.
_TRAINS = "train"
_AGAIN = {"backoffDuration": "0s", "backoffFactor": 2.0, "backoffMaxDuration": "3600s"}


class PipelineStep(Struct, frozen=True):
    """One step, which runs a stage."""

    stage: Stage
    needs: tuple[str, ...]
    """The stages whose results it reads."""
    store: str
    recipe: str
    """The name of what it reads of pipeline.json."""

    @property
    def component(self) -> str:
        return f"comp-{self.stage.name}"

    @property
    def executor(self) -> str:
        return f"exec-{self.stage.name}"

    def definition(self) -> dict[str, Any]:
        """The component: parameters in and out."""
        return {
            "executorLabel": self.executor,
            "inputDefinitions": {"parameters": dict.fromkeys(sorted((_RECIPE, *self.needs)), _TEXT)},
            "outputDefinitions": {"parameters": {_LEFT: _TEXT}},
        }

    def container(self, job: TrainingRun) -> dict[str, Any]:
        """What runs."""
        arguments = [self.stage.name, job.pipeline.path, "--store", self.store, "--root", WORKSPACE]
        arguments += ["--secrets", SECRETS_FOLDER, f"--{_RECIPE}", _given(_RECIPE)]
        for name in self.needs:
            arguments += ["--needs", _given(name)]
        arguments += [f"--{_LEFT}", f"{{{{$.outputs.parameters['{_LEFT}'].output_file}}}}"]
        container = {
            "args": arguments,
            "command": ["python", "-m", _PROGRAM],
            "image": job.image,
            "resources": _resources(job.pipeline, job.training, self.stage),
        }
        return {"container": container}

    def task(self, job: TrainingRun) -> dict[str, Any]:
        """When it runs, and with what."""
        is_cached = self.stage.name != _FIRST and not reads_unseen(self.stage, job.pipeline)
        given: dict[str, Any] = {
            name: {"taskOutputParameter": {"outputParameterKey": _LEFT, "producerTask": name}}
            for name in self.needs
        }
        given[_RECIPE] = {"runtimeValue": {"constant": self.recipe}}
        retries = job.training.retries if self.stage.name == _TRAINS else 0
        return {
            "cachingOptions": {"enableCache": True} if is_cached else {},
            "componentRef": {"name": self.component},
            **({"dependentTasks": sorted(self.needs)} if self.needs else {}),
            "inputs": {"parameters": dict(sorted(given.items()))},
            **({"retryPolicy": {**_AGAIN, "maxRetryCount": retries}} if retries else {}),
            "taskInfo": {"name": self.stage.name},
        }


def steps_of(job: TrainingRun, store: str) -> list[PipelineStep]:
    """A step for each stage, in their order."""
    pipeline = job.pipeline
    document = trained_document(job)
    return [
        PipelineStep(stage, _needed(stage), store, recipe_digest(document, stage.reads))
        for stage in stages_of(
            repeats=pipeline.repetition is not None,
            watches=bool(pipeline.monitoring.drift.representation),
        )
    ]


def trained_document(job: TrainingRun) -> Mapping[str, Any]:
    """pipeline.json, as the steps read it."""
    return job.source.document


def _needed(stage: Stage) -> tuple[str, ...]:
    """The stages in whose folders lies what it needs, in their order."""
    return tuple(dict.fromkeys(path.partition("/")[0] for path in stage.needs))


def _given(name: str) -> str:
    return f"{{{{$.inputs.parameters['{name}']}}}}"


def _resources(pipeline: Pipeline, training: Training, stage: Stage) -> dict[str, Any]:
    """A step is one pod; all trials and workers that run at once share that of training."""
    head, worker = head_amounts(training), worker_amounts(training)
    cpu, memory, gpus = float(head.cpu), head.memory.size, 0
    if stage.name == _TRAINS:
        _, most = workers(pipeline, training)
        cpu, gpus = most * float(worker.cpu), most * worker.gpus
        memory = max(memory, most * worker.memory.size)
    cores = str(int(cpu)) if cpu.is_integer() else f"{round(cpu * 1000)}m"
    amount = f"{memory // _GIB}Gi" if memory % _GIB == 0 else str(memory)
    asked: dict[str, Any] = {}
    if gpus:
        kind = conventions.GPU_RESOURCE
        same = {"count": str(gpus), "resourceCount": str(gpus), "resourceType": kind, "type": kind}
        asked["accelerator"] = same
    for word in ("Limit", "Request"):
        asked |= {f"cpu{word}": cpu, f"memory{word}": memory / _GIGABYTE}
    for word in ("Limit", "Request"):
        asked |= {f"resourceCpu{word}": cores, f"resourceMemory{word}": amount}
    return asked
