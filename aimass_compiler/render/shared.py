"""What several files of one model have in common, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aimass_compiler import __version__
from aimass_compiler.pipeline import Metadata, Pipeline
from aimass_compiler.render.emit import emit_json
from aimass_compiler.render.image import dockerfiles
from aimass_compiler.render.image.tag import tag
from aimass_compiler.render.naming import digest

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
    )
)


@dataclass(frozen=True, eq=False)
class Shared:
    """One model on its way into files."""

    pipeline: Pipeline

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The pipeline as JSON has it, every default written out."""
        return self.pipeline.model_dump(mode="json")

    @cached_property
    def pipeline_file(self) -> bytes:
        """pipeline.json: what the runtime reads, and nothing else of the pipeline."""
        return emit_json(self.document)

    @cached_property
    def training_file(self) -> bytes:
        """The part of pipeline.json that the stages up to the package read."""
        return self._training_file(self.document["training"])

    @cached_property
    def cluster_training_file(self) -> bytes:
        """The same with the training of the first environment, which is where the cluster trains."""
        first = next(iter(self.document["environments"].values()), self.document)["training"]
        return self.training_file if first == self.document["training"] else self._training_file(first)

    def _training_file(self, training: Mapping[str, Any]) -> bytes:
        return _trained_from(self.document, training)

    @cached_property
    def serving_dockerfile(self) -> bytes:
        """The Dockerfile of the image that serves."""
        return dockerfiles.serving(self.pipeline).encode()

    @cached_property
    def image_tag(self) -> str:
        """The tag that the manifests give the serving image; whose it is makes no other image of it."""
        anonymous = Metadata(name=self.pipeline.name)
        dockerfile = dockerfiles.serving(self.pipeline.model_copy(update={"metadata": anonymous}))
        document = {**self.document, "metadata": anonymous.model_dump(mode="json")}
        trained_from = _trained_from(document, document["training"])
        return tag(dockerfile.encode(), trained_from, __version__, self.pipeline.packaged)

    @cached_property
    def training_tag(self) -> str:
        """The tag of the training image: it names the Dockerfile that the image is built from."""
        return digest(self.training_dockerfile)

    @cached_property
    def training_dockerfile(self) -> bytes:
        """The Dockerfile of the image that every pod of the training job runs."""
        return dockerfiles.training(self.pipeline).encode()


def _trained_from(document: Mapping[str, Any], training: Mapping[str, Any]) -> bytes:
    """The parts of a pipeline that decide which model comes out of training."""
    parts = {key: value for key, value in document.items() if key in TRAINED_FROM}
    return emit_json({**parts, "training": training})
