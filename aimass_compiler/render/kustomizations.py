"""The base and the overlays: one kustomization each, put together from what all targets declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.model_path import beside, root_from
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.gitops import RELEASE_APART
from aimass_compiler.render.access import ACCESS_FILE, access_file
from aimass_compiler.render.emit import block, emit, emit_all
from aimass_compiler.render.image_volumes import mounted, replacements, stand_in
from aimass_compiler.render.names import component, kustomization, own_labels, served_labels
from aimass_compiler.render.object_kind import Object, Rank
from aimass_compiler.render.overlay_patches import Difference, difference
from aimass_compiler.render.release_apart import UNRELEASED, release_apart
from aimass_compiler.render.scanner_exemptions import exempt, exempt_parts
from aimass_compiler.render.target import Layer, Rendered
from aimass_compiler.render.targets import kind_of_object

_OBJECTS_FILE = "server.yaml"
#: What a release replaces in the place of images that custom resources mount.
_IMAGES_FILE = "images.yaml"
#: Below an overlay, what of its patches is there before its release: Kustomize patches after all components.
_BEFORE_RELEASE = "images"
#: The part of the spec that all these objects follow from, for what is accepted of it.
_PART = "serving"


class Objects(Struct, frozen=True):
    """The objects of all targets: those of the base, and those of each environment."""

    base: list[Object]
    environments: dict[str, list[Object]]
    """The list of the base itself where nothing differs."""


def kustomizations(pipeline: Pipeline, rendered: Sequence[Rendered], objects: Objects) -> dict[str, bytes]:
    """The files below base/ and overlays/, and the right to apply each overlay."""
    layers, base = [each.base for each in rendered], objects.base
    files = {f"base/{_OBJECTS_FILE}": emit_all(base, pipeline.path)}
    files["base/kustomization.yaml"] = emit(_base(pipeline, layers, base), pipeline.path)
    files |= {f"base/{path}": content for path, content in _own_files(layers).items()}
    held = {}
    for name in pipeline.environments:
        overlays = [each.overlay(name) for each in rendered]
        here = objects.environments[name]
        change = Difference([], []) if here is base else difference(base, here)
        files |= _overlay(pipeline, name, overlays, change, here)
        held[name] = [*here, *_beside(layers, overlays)]
    if pipeline.settings.team is None:  # whose Roles are of its namespaces, and not of each model
        files[ACCESS_FILE] = access_file(pipeline, held)
    return files


def objects_of(pipeline: Pipeline, rendered: Sequence[Rendered]) -> Objects:
    """What all targets declare."""
    found = _observers_last(document for each in rendered for document in each.base.objects or ())
    base = _exempt(pipeline, _noted(found, [each.base.notes for each in rendered]), _PART)
    return Objects(base, {name: _here(pipeline, rendered, name, base) for name in pipeline.environments})


def _here(
    pipeline: Pipeline, rendered: Sequence[Rendered], environment: str, base: list[Object]
) -> list[Object]:
    """What all targets have in one environment: the `base` itself where nothing differs."""
    overlays, part = [each.overlay(environment) for each in rendered], f"environments.{environment}"
    is_alike = all(layer.objects is None and layer.notes is None for layer in overlays)
    if is_alike and part not in exempt_parts(pipeline):
        return base
    pairs = [*zip(rendered, overlays, strict=True)]
    chosen = (each.base.objects if layer.objects is None else layer.objects for each, layer in pairs)
    found = _observers_last(document for objects in chosen for document in objects or ())
    notes = [each.base.notes if layer.notes is None else layer.notes for each, layer in pairs]
    return _exempt(pipeline, _noted(found, notes), _PART, part)


def _noted(
    objects: Sequence[Object], notes: Sequence[Mapping[str, Mapping[str, str]] | None]
) -> Iterator[Object]:
    """The objects, with what targets note on those of others."""
    noted = {name: texts for each in notes if each for name, texts in each.items()}
    for document in objects:
        about = document["metadata"]
        texts = noted.get(about["name"], {}) if document["kind"] == "Service" else {}
        if texts:
            yield {
                **document,
                "metadata": {**about, "annotations": {**about.get("annotations", {}), **texts}},
            }
        else:
            yield document


def _observers_last(objects: Iterator[Object]) -> list[Object]:
    return sorted(objects, key=lambda document: kind_of_object(document).rank is Rank.OBSERVER)


def _exempt(pipeline: Pipeline, objects: Iterable[Object], *parts: str) -> list[Object]:
    return [exempt(document, kind_of_object(document), pipeline, *parts) for document in objects]


def _own_files(layers: Sequence[Layer]) -> dict[str, bytes]:
    """What targets wrote themselves: manifests, and what generators read."""
    found = {path: content for layer in layers for path, content in layer.files.items()}
    return found | {path: each.content for layer in layers for path, each in layer.manifests.items()}


def _beside(layers: Sequence[Layer], overlays: Sequence[Layer]) -> Iterator[Object]:
    """The objects that lie in files of their own, or that Kustomize makes."""
    for layer in (*layers, *overlays):
        yield from (manifest.head for manifest in layer.manifests.values())
    names = {each["name"] for layer in (*layers, *overlays) for each in layer.config_maps}
    for name in sorted(names):
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def _base(pipeline: Pipeline, layers: Sequence[Layer], objects: Sequence[Object]) -> dict[str, Any]:
    return kustomization(
        (
            ("resources", [_OBJECTS_FILE, *_manifests(layers)]),
            (
                "labels",
                [{"pairs": _labels(pipeline), "includeTemplates": True}, *_of_pods(pipeline, objects)],
            ),
            ("configMapGenerator", [each for layer in layers for each in layer.config_maps]),
        )
    )


def _of_pods(pipeline: Pipeline, objects: Sequence[Object]) -> Iterator[dict[str, Any]]:
    """Labels for pods of kinds that Kustomize does not know; what they are part of, their controllers say."""
    if fields := _label_fields(objects):
        labels = _labels(pipeline)
        del labels[conventions.LABEL_PART_OF]
        yield {"pairs": labels, "fields": fields}


def _label_fields(objects: Sequence[Object]) -> list[dict[str, Any]]:
    kinds = {kind.kind: kind for kind in map(kind_of_object, objects) if kind.label_path}
    return [
        {"path": "/".join(kind.label_path), "group": kind.group, "kind": kind.kind, "create": True}
        for _, kind in sorted(kinds.items())
    ]


def _environment_label(name: str, objects: Sequence[Object]) -> dict[str, Any]:
    fields = _label_fields(objects)
    pairs = {conventions.LABEL_ENVIRONMENT: name}
    return {"pairs": pairs, "includeTemplates": True, **({"fields": fields} if fields else {})}


def _overlay(
    pipeline: Pipeline, name: str, layers: Sequence[Layer], change: Difference, objects: Sequence[Object]
) -> dict[str, bytes]:
    images = mounted(objects)
    added = [*([_OBJECTS_FILE] if change.added else []), *([_IMAGES_FILE] if images else [])]
    is_apart = pipeline.settings.engine_of(name) in RELEASE_APART
    first = [patch for patch in change.patches if _names_images(patch)]
    later = [patch for patch in change.patches if patch not in first]
    parts = {
        "namespace": pipeline.environments[name].namespace,
        "resources": ["../../base", *_manifests(layers), *added],
        "components": [*([_BEFORE_RELEASE] if first else []), *_releases(pipeline, name)],
        "labels": [_environment_label(name, objects)],
        "configMapGenerator": [each for layer in layers for each in layer.config_maps],
        "patches": [{"patch": block(patch)} for patch in later],
        "replacements": replacements(pipeline.name, images),
    }
    place = f"{UNRELEASED}/" if is_apart else ""
    files = release_apart(parts) if is_apart else {"kustomization.yaml": kustomization(parts.items())}
    if first:
        before = component(patches=[{"patch": block(patch)} for patch in first])
        files[f"{place}{_BEFORE_RELEASE}/kustomization.yaml"] = before
    written = {path: emit(document, pipeline.path) for path, document in files.items()}
    if images:
        written[place + _IMAGES_FILE] = emit(stand_in(pipeline.name, images), pipeline.path)
    if change.added:
        objects = [_labelled(document, pipeline) for document in change.added]
        written[place + _OBJECTS_FILE] = emit_all(objects, pipeline.path)
    written |= {place + path: content for path, content in _own_files(layers).items()}
    return {f"overlays/{name}/{path}": content for path, content in written.items()}


def _names_images(patch: Any) -> bool:
    """Whether a patch brings images that the release is still to replace."""
    if isinstance(patch, Mapping):
        is_named = "volumes" in patch or any("image" in each for each in patch.get("containers") or ())
        return is_named or any(_names_images(part) for part in patch.values())
    return isinstance(patch, (list, tuple)) and any(map(_names_images, patch))


def _releases(pipeline: Pipeline, environment: str) -> Iterator[str]:
    """The releases of adapters that are served beside the model, and its own, whose version is then noted."""
    adapters = pipeline.environments[environment].serving.adapters
    for model in () if adapters is None else adapters.models:
        yield release_folder(beside(pipeline.path, model), environment)
    yield release_folder(pipeline.path, environment)


def release_folder(model: str, environment: str) -> str:
    """Where an overlay finds what says which images it runs; without it, nothing is built of the overlay."""
    return f"../../../{root_from(model)}/{conventions.RELEASES_FOLDER}/{environment}/{model}"


def _manifests(layers: Sequence[Layer]) -> list[str]:
    return sorted(path for layer in layers for path in layer.manifests)


def _labelled(document: Object, pipeline: Pipeline) -> Object:
    """With the labels that the base gives its own objects."""
    labels: Mapping[str, str] = _labels(pipeline) | document["metadata"].get("labels", {})
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _labels(pipeline: Pipeline) -> dict[str, str]:
    return served_labels(pipeline.name, own_labels(pipeline.settings))
