"""Images that custom resources mount, or ConfigMaps name: where a release reaches what Kustomize would not.

Kustomize replaces the images of containers wherever they stand, but those of volumes in kinds that it knows.
So each overlay has a template of a pod that is never applied, whose containers have these images, and copies
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.render.object_kind import Object


class ImageReference(NamedTuple):
    """Where an image is named that Kustomize does not know."""

    kind: str
    name: str
    """Of the object."""
    path: str
    image: str
    part: int | None = None
    """Of a text, which of the parts that quotation marks separate; none where the path leads to the image."""


#: Where Kustomize knows the images of volumes in Kubernetes' own kinds, but for CronJobs.
_KNOWN = "spec.template.spec.volumes."
#: What stands around each text of a manifest in JSON.
_QUOTE = '"'
#: By it Kustomize leaves an object out of what it builds.
_LOCAL = {"config.kubernetes.io/local-config": "true"}


def mounted(objects: Sequence[Object]) -> list[ImageReference]:
    """Kind and name of each object with images that Kustomize does not know, their paths and names."""
    return [
        ImageReference(document["kind"], document["metadata"]["name"], *found)
        for document in objects
        for found in _unknown(document)
    ]


def _unknown(document: Object) -> Iterator[tuple[str, str] | tuple[str, str, int]]:
    if is_custom(document):
        yield from _images(document)
        return
    yield from (found for found in _images(document) if not found[0].startswith(_KNOWN))
    if is_entry(document):
        yield f"data.{conventions.ENTRY_IMAGE}", document["data"][conventions.ENTRY_IMAGE]
    if job := (document.get("data") or {}).get(conventions.ENTRY_JOB):
        for image, part in _images_of_text(job):
            yield f"data.{conventions.ENTRY_JOB}", image, part


def _images_of_text(manifest: str) -> Iterator[tuple[str, int]]:
    """The images of a manifest in JSON that a release replaces, which have no registry before."""
    parts = manifest.split(_QUOTE)
    for number, (key, between, value) in enumerate(zip(parts, parts[1:], parts[2:], strict=False)):
        if key in {"image", "reference"} and between.strip() == ":" and "/" not in value:
            yield value, number + 2


def is_entry(document: Object) -> bool:
    """Whether an object is the ConfigMap that names a model's image to a shared server."""
    return conventions.LABEL_SERVER in (document["metadata"].get("labels") or {}) and "data" in document


def is_custom(document: Object) -> bool:
    """Whether an object is of a kind whose fields Kustomize does not know."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." in group and (not group.endswith("k8s.io") or "x-k8s" in group)


def _images(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        below = f"{path}.{key}" if path else key
        if key == "volumes":
            for each in value:
                if "image" in each:
                    yield f"{below}.[name={each['name']}].image.reference", each["image"]["reference"]
        else:
            yield from _images(value, below)


def stand_in(model: str, images: Sequence[ImageReference]) -> Object:
    """What a release replaces in their place."""
    names = dict.fromkeys(each.image for each in images)
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": f"{model}-images", "annotations": _LOCAL},
        "template": {"spec": {"containers": [{"name": name, "image": name} for name in names]}},
    }


def replacements(model: str, images: Sequence[ImageReference]) -> list[dict[str, Any]]:
    """How Kustomize copies them to where they are mounted."""
    return [
        {
            "source": {
                "kind": "PodTemplate",
                "name": f"{model}-images",
                "fieldPath": f"template.spec.containers.[name={each.image}].image",
            },
            "targets": [_target(each)],
        }
        for each in images
    ]


def _target(place: ImageReference) -> dict[str, Any]:
    target = {"select": {"kind": place.kind, "name": place.name}, "fieldPaths": [place.path]}
    if place.part is None:
        return target
    return {**target, "options": {"delimiter": _QUOTE, "index": place.part}}
