"""Rendered files as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

Files = Mapping[str, bytes]


def read(files: Files, path: str) -> Any:
    """One YAML file with one document."""
    return yaml.safe_load(files[path])


def kustomization(files: Files, folder: str) -> Any:
    """What a folder makes of its files."""
    return read(files, f"{folder}/kustomization.yaml")


def below(files: Files, folder: str) -> set[str]:
    """The names of the files in a folder, not in those below it."""
    names = (path.removeprefix(folder + "/") for path in files if path.startswith(folder + "/"))
    return {name for name in names if "/" not in name}


def objects(files: Files, folder: str) -> list[dict[str, Any]]:
    """The objects that stand in a folder's files."""
    return [
        document
        for name in sorted(below(files, folder))
        if name.endswith(".yaml") and name != "kustomization.yaml"
        for document in yaml.safe_load_all(files[f"{folder}/{name}"])
    ]


def one(files: Files, folder: str, kind: str) -> dict[str, Any]:
    """The one object of a kind in a folder's files."""
    (found,) = (document for document in objects(files, folder) if document["kind"] == kind)
    return found


def pod(files: Files) -> dict[str, Any]:
    """The pod of the servers, as the base has it."""
    spec: dict[str, Any] = one(files, "base", "Deployment")["spec"]["template"]["spec"]
    return spec


def patches(files: Files, environment: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What an environment changes, by the kind and the name of the object."""
    written = kustomization(files, f"overlays/{environment}").get("patches", [])
    found = [yaml.safe_load(patch["patch"]) for patch in written]
    return {(patch["kind"], patch["metadata"]["name"]): patch for patch in found}


def of_kind(files: Files, kind: str) -> list[dict[str, Any]]:
    """Every object of a kind in any file, kustomizations included."""
    yamls = (text for path, text in files.items() if path.endswith(".yaml"))
    documents = (document for text in yamls for document in yaml.safe_load_all(text))
    return [document for document in documents if document.get("kind") == kind]
