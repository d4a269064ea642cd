"""A pipeline as JSON: all of it, and the part that decides which model comes out of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aimass_compiler.partial_values import shortened_environments
from aimass_compiler.pipeline import Metadata, Pipeline
from aimass_compiler.render.emit import emit_json

#: What decides which model comes out of training; replicas or alerts need no new run.
TRAINED_FROM = frozenset(
    (
        "format",
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
        "quantize",
    )
)
#: What the package has of `serving`, where it is written.
_PACKAGED_FROM = ("explanations", "engine", "adapter_of")


def _untargeted(place: Mapping[str, Any]) -> dict[str, Any]:
    training = {key: value for key, value in place["training"].items() if key != "target"}
    return {**place, "training": training}


@dataclass(frozen=True, eq=False)
class PipelineJson:
    """A pipeline beside its JSON, of which several targets write a part; each part is made once."""

    pipeline: Pipeline

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The pipeline as JSON has it, every default written out.

        But for who runs its training job, as no model is trained again for that.
        """
        found = self.pipeline.document
        places = {name: _untargeted(each) for name, each in found["environments"].items()}
        return {**_untargeted(found), "environments": places}

    @cached_property
    def whole(self) -> bytes:
        """pipeline.json: what the runtime reads, and nothing else of the pipeline."""
        return emit_json(self.document)

    @cached_property
    def shortened(self) -> bytes:
        """The same, where environments say only what they do otherwise."""
        return emit_json(shortened_environments(self.document))

    @cached_property
    def trained_from(self) -> bytes:
        """The part that the stages up to the package read, whoever's model it is.

        With the training of the first environment, which is where the cluster trains.
        """
        parts = {key: value for key, value in self.document.items() if key in TRAINED_FROM}
        first = next(iter(self.document["environments"].values()), self.document)["training"]
        metadata = Metadata(name=self.pipeline.name).model_dump(mode="json")
        serving = {name: self.document["serving"].get(name) for name in _PACKAGED_FROM}
        if any(serving.values()):
            parts["serving"] = {name: value for name, value in serving.items() if value}
        return emit_json({**parts, "metadata": metadata, "training": first})
