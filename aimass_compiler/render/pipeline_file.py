"""pipeline.json: what the runtime reads, and nothing else of the pipeline."""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.emit import emit_json

#: What decides which model comes out of training; replicas or alerts need no new run.
_TRAINED_FROM = (
    "metadata",
    "data",
    "task",
    "features",
    "model",
    "objective",
    "search",
    "training",
    "evaluation",
    "retraining",
)


def pipeline_file(pipeline: Pipeline) -> bytes:
    """The pipeline as indented JSON, every default written out."""
    return emit_json(pipeline.model_dump(mode="json", exclude_none=False))


def training_file(pipeline: Pipeline, training: Training) -> bytes:
    """The part of pipeline.json that the stages up to the package read, with one environment's training."""
    here = pipeline.model_copy(update={"training": training})
    return emit_json(here.model_dump(mode="json", exclude_none=False, include={"format", *_TRAINED_FROM}))
