"""The objects of each overlay, built as kustomize builds them, without kustomize."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from aimass_compiler.effects.normal import at, mapping, word
from aimass_compiler.effects.objects import yaml_documents
from aimass_compiler.plan import Files

#: Lists that a strategic merge patch merges by `name`; any other list is replaced.
_MERGED_BY_NAME = frozenset(("containers", "initContainers", "env"))
_OVERLAYS = "overlays"
_KUSTOMIZATION = "kustomization.yaml"

_RULE = re.compile(rb"^kind: PrometheusRule\nmetadata:\n  name: (?P<name>[a-z0-9-]+)$", re.MULTILINE)

#: Kind and name.
Key = tuple[str, str]
Object = Mapping[str, Any]


class Overlay(Struct, frozen=True):
    """What one environment declares."""

    namespace: str
    objects: Mapping[Key, Object]


def overlays(files: Files) -> dict[str, Overlay]:
    """What each environment of a model declares, from its generated files; what is no YAML has none."""
    names = sorted({path.split("/")[1] for path in files if path.startswith(f"{_OVERLAYS}/")})
    base = _folder(files, "base")
    return {name: _overlay(files, f"{_OVERLAYS}/{name}", base) for name in names}


def _overlay(files: Files, folder: str, base: dict[Key, Object]) -> Overlay:
    own = _kustomization(files, folder)
    objects = dict(base)
    for patch in _listed(own, "patches"):
        for document in yaml_documents(word(patch.get("patch")).encode()):
            _patch(objects, document)
    objects |= _resources(files, folder)
    for generator in _listed(own, "configMapGenerator"):
        _generate(objects, generator, files, folder)
    found = {key: _labelled(document, own) for key, document in objects.items()}
    images = _listed(own, "images")
    return Overlay(
        word(own.get("namespace")), {key: _with_images(document, images) for key, document in found.items()}
    )


def _folder(files: Files, folder: str) -> dict[Key, Object]:
    own = _kustomization(files, folder)
    objects = _resources(files, folder)
    for generator in _listed(own, "configMapGenerator"):
        _generate(objects, generator, files, folder)
    return {key: _labelled(document, own) for key, document in objects.items()}


def _kustomization(files: Files, folder: str) -> Object:
    return next(iter(yaml_documents(files.get(f"{folder}/{_KUSTOMIZATION}", b""))), {})


def _resources(files: Files, folder: str) -> dict[Key, Object]:
    start = f"{folder}/"
    paths = sorted(path for path in files if path.startswith(start) and path.endswith(".yaml"))
    documents = (
        document
        for path in paths
        if path != f"{folder}/{_KUSTOMIZATION}"
        for document in _documents(files[path])
    )
    return {_key(document): document for document in documents}


def _documents(content: bytes) -> list[Object]:
    """The objects of a file; of rules, which are long, only what tells two apart."""
    found = _RULE.search(content)
    if found is None or content.count(b"\nkind: ") > 1:
        return yaml_documents(content)
    name = {"name": found["name"].decode(errors="replace")}
    return [{"kind": "PrometheusRule", "metadata": name, "content": hashlib.sha256(content).hexdigest()}]


def _key(document: Object) -> Key:
    return word(document.get("kind")), word(at(document, "metadata.name"))


def _listed(document: Object, name: str) -> list[Mapping[str, Any]]:
    found = document.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _patch(objects: dict[Key, Object], patch: Object) -> None:
    key = _key(patch)
    if patch.get("$patch") == "delete":
        objects.pop(key, None)
    elif key in objects:
        objects[key] = _merged(objects[key], patch)


def _merged(before: Object, patch: Object) -> dict[str, Any]:
    found = {key: value for key, value in before.items() if patch.get(key, "") is not None}
    for key, value in patch.items():
        was = before.get(key)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            found[key] = _merged(was, value)
        elif key in _MERGED_BY_NAME and isinstance(was, list) and isinstance(value, list):
            found[key] = _merged_by_name(was, value)
        elif value is not None:
            found[key] = value
    return found


def _merged_by_name(before: list[Any], patch: list[Any]) -> list[Any]:
    """The entries of the patch, and then those that it does not name: an order that kustomize chose."""
    known = {word(at(part, "name")): mapping(part) for part in before}
    changes = {word(at(part, "name")): mapping(part) for part in patch}
    changed = [
        _merged(known.get(name, {}), part) for name, part in changes.items() if part.get("$patch") != "delete"
    ]
    return [*changed, *(part for name, part in known.items() if name not in changes)]


def _generate(objects: dict[Key, Object], generator: Object, files: Files, folder: str) -> None:
    """A ConfigMap of files, under its own name, in the place of one that the base has."""
    key = ("ConfigMap", word(generator.get("name")))
    labels = {**mapping(at(objects.get(key), "metadata.labels")), **mapping(at(generator, "options.labels"))}
    data = dict(_data(generator, files, folder))
    objects[key] = {"kind": "ConfigMap", "metadata": {"name": key[1], "labels": labels}, "data": data}


def _data(generator: Object, files: Files, folder: str) -> Iterator[tuple[str, str]]:
    """The keys, with a hash of each file: dashboards are long."""
    found = generator.get("files")
    for entry in found if isinstance(found, list) else []:
        name, _, path = word(entry).partition("=")
        yield name, hashlib.sha256(files.get(f"{folder}/{path}", b"")).hexdigest()


def _labelled(document: Object, kustomization: Object) -> Object:
    for entry in _listed(kustomization, "labels"):
        pairs = {word(key): word(value) for key, value in mapping(entry.get("pairs")).items()}
        document = _merged(document, {"metadata": {"labels": pairs}})
        if entry.get("includeTemplates") and isinstance(at(document, "spec.template"), Mapping):
            document = _merged(document, {"spec": {"template": {"metadata": {"labels": pairs}}}})
    return document


def _with_images(document: Object, images: list[Mapping[str, Any]]) -> Object:
    containers = at(document, "spec.template.spec.containers")
    if not isinstance(containers, list):
        return document
    named = {word(image.get("name")): _reference(image) for image in images}
    changes = [
        {"name": at(part, "name"), "image": named[word(at(part, "image"))]}
        for part in containers
        if word(at(part, "image")) in named
    ]
    return _merged(document, {"spec": {"template": {"spec": {"containers": changes}}}})


def _reference(image: Mapping[str, Any]) -> str:
    tag, digest = word(image.get("newTag")), word(image.get("digest"))
    name = word(image.get("newName")) or word(image.get("name"))
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
