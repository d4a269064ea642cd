"""Image names that no registry takes, and those that mean another image tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.image.escaping import is_pinned, is_reference, is_repository
from aimass_compiler.render.image.recorded import recorded_tag

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
        "Without a tag, or with the tag `latest`, a build takes whatever is newest on that day, and nobody "
        "can tell from git what serves. Write a version, or better the digest that `docker buildx "
        "imagetools inspect` shows.",
    ),
    Explanation(
        "AM440",
        "the digest on record is of another image",
        "`images.digests` in aimass.yaml says for one tag what the registry answered when its image was "
        "pushed, so that the cluster runs exactly that. The spec has changed since, and with it the tag. The "
        "manifests name the new tag without a digest until the new image is pushed and its digest recorded.",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Settings that cannot stand in a Dockerfile or in a manifest."""
    images = pipeline.settings.images
    for key, image in (("python", images.python), ("ray", images.ray), ("kubectl", images.kubectl)):
        if not is_reference(image):
            hint = "write it like `python:3.11-slim` or `registry.example.com/python@sha256:…`"
            yield _finding("AM431", key, f"`{image}` does not name an image", hint)
        elif not is_pinned(image):
            told = f"`{image}` does not say which version"
            yield _finding("AM432", key, told, "add a version or a digest, as in `python:3.11-slim`")
    if not is_repository(images.registry):
        hint = _repository_meant(images.registry)
        yield _finding("AM431", "registry", f"`{images.registry}` does not name a place for images", hint)
    yield from _records(pipeline)


def _repository_meant(registry: str) -> str:
    """What is wrong with the place for images, and how it is written."""
    bare = registry.partition("://")[2] or registry
    if bare != registry:
        return f"leave the scheme out: `{bare}`"
    if is_repository(registry.lower()):
        return f"registries take small letters only: `{registry.lower()}`"
    return "write it like `registry.example.com/ml`, without a tag"


def _records(pipeline: Pipeline) -> Iterator[Finding]:
    """Digests of images that the manifests do not name any more."""
    from aimass_compiler.render.shared import Shared  # which needs this package

    shared, digests = Shared(pipeline), pipeline.settings.images.digests
    tags = {
        pipeline.name: shared.image_tag,
        conventions.TRAINING_IMAGE.format(model=pipeline.name): shared.training_tag,
    }
    for name, wanted in tags.items():
        if name in digests and (tag := recorded_tag(digests[name])) != wanted:
            told = f"this is the digest of `{name}:{tag}`, and the manifests name `{name}:{wanted}`"
            hint = f"record what the registry answers for `{wanted}`, or remove it"
            path, severity = ("images", "digests", name), Severity.WARNING
            yield Finding("AM440", path, told, help=hint, severity=severity, file=conventions.SETTINGS_FILE)


def _finding(code: str, key: str, told: str, hint: str) -> Finding:
    return Finding(code, ("images", key), told, help=hint, file=conventions.SETTINGS_FILE)
