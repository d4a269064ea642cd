"""The images: a small one that serves, and one on Ray's that trains."""

from __future__ import annotations

import json
from importlib import resources

import jinja2

from aimass_compiler import __version__, conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import header
from aimass_compiler.render.image.escaping import label, reference
from aimass_compiler.render.image.findings import EXPLANATIONS, findings
from aimass_compiler.render.image.tag import tag
from aimass_compiler.render.pipeline_file import training_file

__all__ = ["EXPLANATIONS", "findings", "image_tag", "render", "train_dockerfile"]

_HEALTH_SECONDS = 2


def render(pipeline: Pipeline) -> dict[str, bytes]:
    """Both Dockerfiles, and what the first one's build context holds and leaves out."""
    return {**_serving(pipeline), "image/train.Dockerfile": train_dockerfile(pipeline)}


def train_dockerfile(pipeline: Pipeline) -> bytes:
    """The Dockerfile of the image that every pod of the training job runs."""
    return _render("train.Dockerfile.jinja", pipeline)


def image_tag(pipeline: Pipeline) -> str:
    """The tag that the manifests give the serving image."""
    return tag(_serving(pipeline), training_file(pipeline, pipeline.training), __version__)


def _serving(pipeline: Pipeline) -> dict[str, bytes]:
    """What the serving image is built from, beside the model and the server."""
    return {
        "image/Dockerfile": _render("Dockerfile.jinja", pipeline),
        "image/.dockerignore": _render("dockerignore.jinja", pipeline),
        "image/requirements.txt": header(pipeline.name).encode() + _source("requirements.txt"),
    }


def _source(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()


def _render(template: str, pipeline: Pipeline) -> bytes:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # not HTML: every value passes a filter of its own
        keep_trailing_newline=True,
    )
    environment.filters |= {"label": label, "reference": reference, "json": json.dumps}
    text = environment.from_string(_source(template).decode()).render(
        header=header(pipeline.name),
        conventions=conventions,
        images=pipeline.settings.images,
        metadata=pipeline.metadata,
        health_check=_health_check(),
        health_seconds=_HEALTH_SECONDS,
        package=_package(pipeline),
    )
    return text.encode()


def _health_check() -> list[str]:
    """Kubernetes ignores it; it is for who runs the image with Docker alone."""
    url = f"http://127.0.0.1:{conventions.PORT}{conventions.READY_PATH}"
    program = f"import urllib.request; urllib.request.urlopen('{url}', timeout={_HEALTH_SECONDS})"
    return ["python", "-c", program]


def _package(pipeline: Pipeline) -> str:
    extras = ",".join(sorted({"run", pipeline.model.requires}))
    return f"aimass-compiler[{extras}]=={__version__}"
