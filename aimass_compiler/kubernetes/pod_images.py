"""Which images the pods of a workload run, by their place in its template, and which version they are.

The ConfigMap that names a model to a shared server stands for a workload: its one image is the model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.image_volumes import is_entry
from aimass_compiler.render.object_kind import Object, at, templated_pods
from aimass_compiler.render.targets import kind_of_object

#: References by place: `containers/server`, `volumes/model` where the package is a volume of its own, or
#: `data/image` where a shared server brings it.
Images = Mapping[str, str]
_CONTAINERS, _VOLUMES = "containers", "volumes"
_ENTRY = f"data/{conventions.ENTRY_IMAGE}"
_SHORT = 12


def images_of(workload: Object) -> dict[str, str]:
    """What the pods of a workload run, or the servers that follow a ConfigMap."""
    if is_entry(workload):
        return {_ENTRY: str(workload["data"][conventions.ENTRY_IMAGE])}
    return images_in(_template_of(workload).get("spec") or {})


def images_in(pod: Mapping[str, Any]) -> dict[str, str]:
    """What a pod runs, by its spec: its containers, and its volumes that are images."""
    found = {f"{_CONTAINERS}/{each['name']}": each.get("image", "") for each in pod.get(_CONTAINERS) or ()}
    for each in pod.get(_VOLUMES) or ():
        if reference := at(each, "image", "reference"):
            found[f"{_VOLUMES}/{each['name']}"] = reference
    return {place: str(reference) for place, reference in found.items() if reference}


def digests_of(images: Images) -> frozenset[str]:
    """The digests that these references name; one by a tag names none."""
    return frozenset(filter(None, map(digest_of, images.values())))


def digest_of(reference: str) -> str:
    """The digest that a reference names, or nothing."""
    return reference.partition("@")[2]


def model_digest(images: Images) -> str:
    """The digest of what holds the model: the volume, where it is one, or else the first container."""
    listed = sorted(images.items(), key=lambda each: (not is_package(each[0]), not is_volume(each[0])))
    return digest_of(listed[0][1]) if listed else ""


def is_volume(place: str) -> bool:
    """Whether an image is mounted and not run."""
    return place.startswith(f"{_VOLUMES}/")


def is_package(place: str) -> bool:
    """Whether an image is the package of the model, and not that of one of its adapters."""
    return place == f"{_VOLUMES}/{conventions.PACKAGE_VOLUME}"


def short(digest: str) -> str:
    """A digest as people recognise it."""
    return digest.removeprefix("sha256:")[:_SHORT]


def version_of(workload: Object) -> str:
    """The version that its release names, or else the digest or tag of its first image; nothing without."""
    template = _template_of(workload)
    for document in (template, workload):
        noted = at(document, "metadata", "annotations", conventions.ANNOTATION_VERSION)
        if noted:
            return str(noted)
    reference = next(iter(images_of(workload).values()), "")
    return short(digest_of(reference)) or reference.rpartition(":")[2]


def _template_of(workload: Object) -> Mapping[str, Any]:
    pods = kind_of_object(workload).pods or templated_pods
    return next((each.template for each in pods(workload)), {})


def with_images(workload: Object, images: Images, version: str) -> dict[str, Any]:
    """A workload whose pods run other images, which are of this version."""
    if is_entry(workload):
        data = {**workload["data"], conventions.ENTRY_IMAGE: images[_ENTRY]}
        return _with_version({**workload, "data": data}, version)
    return _with_version(_at_pod(workload, kind_of_object(workload).pod_path, images, version), version)


def _at_pod(node: Mapping[str, Any], path: Sequence[str], images: Images, version: str) -> dict[str, Any]:
    """A part of a workload, with other images in the pod that lies at a path in it."""
    if not path:
        return _with_named(node, images)
    key, *below = path
    changed = {**node, key: _at_pod(node.get(key) or {}, below, images, version)}
    return _with_version(changed, version)


def _with_named(pod: Mapping[str, Any], images: Images) -> dict[str, Any]:
    changed = dict(pod)
    changed[_CONTAINERS] = list(_named(pod.get(_CONTAINERS) or (), _in(images, _CONTAINERS), _with_image))
    if volumes := list(_named(pod.get(_VOLUMES) or (), _in(images, _VOLUMES), _with_reference)):
        changed[_VOLUMES] = volumes
    return changed


def _in(images: Images, kind: str) -> dict[str, str]:
    parts = (place.split("/", 1) for place in images)
    return {name: images[f"{kind}/{name}"] for where, name in parts if where == kind}


def _with_image(container: Mapping[str, Any], reference: str) -> dict[str, Any]:
    return {**container, "image": reference}


def _with_reference(volume: Mapping[str, Any], reference: str) -> dict[str, Any]:
    return {**volume, "image": {**(volume.get("image") or {}), "reference": reference}}


def _named(listed: Iterable[Mapping[str, Any]], images: Images, changed: Any) -> Iterator[dict[str, Any]]:
    """The items with their images; one that is not among them comes with its name alone."""
    left = dict(images)
    for each in listed:
        reference = left.pop(each["name"], None)
        yield dict(each) if reference is None else changed(each, reference)
    for name, reference in left.items():
        yield changed({"name": name}, reference)


def _with_version(document: Mapping[str, Any], version: str) -> dict[str, Any]:
    """With this version where one is noted: a note that git does not have is another template."""
    metadata = document.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if conventions.ANNOTATION_VERSION not in annotations:
        return dict(document)
    noted = {**annotations, conventions.ANNOTATION_VERSION: version}
    return {**document, "metadata": {**metadata, "annotations": noted}}
