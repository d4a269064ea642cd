"""The images: one that serves all models and that no file of a model names, and one that trains a model."""

from __future__ import annotations

from aimass_compiler import conventions
from aimass_compiler.render.emit import header
from aimass_compiler.render.image.findings import findings
from aimass_compiler.render.image.training_image import dockerfile
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.target import Rendered, Target


def render(source: PipelineJson) -> Rendered:
    """The Dockerfile that trains, where all is to be seen; that of the server is no model's."""
    if source.pipeline.settings.generated.layout == "compact":
        return Rendered()
    text = header(source.pipeline.path) + dockerfile(source.pipeline)
    return Rendered(files={conventions.TRAINING_DOCKERFILE: text.encode()})


TARGET = Target(render=render, findings=findings)
