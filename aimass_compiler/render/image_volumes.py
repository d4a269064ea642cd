"""Images that custom resources mount, or ConfigMaps name: where a release reaches what Kustomize would not.

Kustomize replaces the images of containers wherever they stand, but those of volumes in kinds that it knows.
So each overlay has a template of a pod that is never applied, whose containers have these images, and copies
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.object_kind import Object

#: Kind and name of what mounts an image, where in it, and what the image is called.
Place = tuple[str, str, str, str]
#: Where Kustomize knows the images of volumes in Kubernetes' own kinds, but for CronJobs.
_KNOWN = "spec.template.spec.volumes."
#: By it Kustomize leaves an object out of what it builds.
_LOCAL = {"config.kubernetes.io/local-config": "true"}


def mounted(objects: Sequence[Object]) -> list[Place]:
    """Kind and name of each object with images that Kustomize does not know, their paths and names."""
    return [
        (document["kind"], document["metadata"]["name"], path, image)
        for document in objects
        for path, image in _unknown(document)
    ]


def _unknown(document: Object) -> Iterator[tuple[str, str]]:
    if is_custom(document):
        yield from _images(document)
        return
    yield from (found for found in _images(document) if not found[0].startswith(_KNOWN))
    if conventions.LABEL_SERVER in document["metadata"].get("labels", {}) and "data" in document:
        yield f"data.{conventions.ENTRY_IMAGE}", document["data"][conventions.ENTRY_IMAGE]


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


def stand_in(model: str, images: Sequence[Place]) -> Object:
    """What a release replaces in their place."""
    names = dict.fromkeys(image for *_, image in images)
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": f"{model}-images", "annotations": _LOCAL},
        "template": {"spec": {"containers": [{"name": name, "image": name} for name in names]}},
    }


def replacements(model: str, images: Sequence[Place]) -> list[dict[str, Any]]:
    """How Kustomize copies them to where they are mounted."""
    return [
        {
            "source": {
                "kind": "PodTemplate",
                "name": f"{model}-images",
                "fieldPath": f"template.spec.containers.[name={image}].image",
            },
            "targets": [{"select": {"kind": kind, "name": name}, "fieldPaths": [path]}],
        }
        for kind, name, path, image in images
    ]
