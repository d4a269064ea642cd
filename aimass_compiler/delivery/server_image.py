"""Which image a package is put on: that of the server of this compiler, or one that was named."""

from __future__ import annotations

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs import registry
from aimass_compiler.programs.registry import NoSuchImage
from aimass_compiler.releases.version_record import ImageDigest


def server_of(pipeline: Pipeline, named: str = "") -> ImageDigest | None:
    """The image of the server, by the digest that its registry has; None where there is no registry.

    Raises NoSuchImage where it was not pushed, and RegistryError.
    """
    if not pipeline.settings.images.has_registry:
        return None
    reference = named or own_reference(pipeline)
    digest = registry.digest_of_image(reference, pipeline.settings.images.registry)
    if digest is None:
        hint = "`--server` names it" if named else "`aimass image --push` builds and pushes it"
        raise NoSuchImage(f"there is no image {reference}", hint)
    return ImageDigest(registry.parted(reference)[0], digest)


def own_reference(pipeline: Pipeline) -> str:
    """The image of this compiler's server for the kind of what is served, by its tag."""
    from aimass_compiler.render.image.server_image import context, server_tag

    images = pipeline.settings.images
    tag = server_tag(context(images.python, pipeline.first_model.artifact.server))
    return f"{images.registry}/{conventions.SERVER_IMAGE}:{tag}"
