"""Image names that no registry takes, and those that mean another image tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.image.escapes import is_pinned, is_reference, is_repository

EXPLANATIONS = (
    Explanation(
        "AM431",
        "this does not name an image",
        "The images in aimass.yaml are written as docker does: an optional registry, a path in lower case, "
        "and where an image is pulled a tag or a digest. The registry for the model images has neither tag "
        "nor digest: the compiler adds the model's name and a tag.",
    ),
    Explanation(
        "AM432",
        "the base image may be another one tomorrow",
        "Without a tag, or with the tag `latest`, a build takes whatever is newest on that day, and git "
        "does not show what serves. Write a version, or better the digest that `docker buildx "
        "imagetools inspect` shows.",
    ),
)
EXAMPLES = (
    Example(
        "AM431", 'images: {python: "Python:3.11"}\n', 'images: {python: "python:3.11-slim"}\n', "settings"
    ),
    Example(
        "AM432", 'images: {python: "python:latest"}\n', 'images: {python: "python:3.11-slim"}\n', "settings"
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Settings that cannot stand in a Dockerfile or in a manifest."""
    images = pipeline.settings.images
    for key in ("python", "ray", "kubectl", "vllm", "vllm_cpu"):
        image = getattr(images, key)
        if not is_reference(image):
            hint = "write it like `python:3.11-slim` or `registry.example.com/python@sha256:…`"
            yield _finding("AM431", key, f"`{image}` does not name an image", hint)
        elif not is_pinned(image):
            message = f"`{image}` does not say which version"
            yield _finding("AM432", key, message, "add a version or a digest, as in `python:3.11-slim`")
    if not is_repository(images.registry):
        hint = _repository_meant(images.registry)
        yield _finding("AM431", "registry", f"`{images.registry}` does not name a place for images", hint)


def _repository_meant(registry: str) -> str:
    """What is wrong with the place for images, and how it is written."""
    bare = registry.partition("://")[2] or registry
    if bare != registry:
        return f"leave the scheme out: `{bare}`"
    if is_repository(registry.lower()):
        return f"registries take small letters only: `{registry.lower()}`"
    return "write it like `registry.example.com/ml`, without a tag"


def _finding(code: str, key: str, message: str, hint: str) -> Finding:
    return Finding(code, ("images", key), message, help=hint, file=conventions.SETTINGS_FILE)
