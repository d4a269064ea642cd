"""Rendered files as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def read(files: Mapping[str, bytes], path: str) -> Any:
    """One YAML file."""
    return yaml.safe_load(files[path])


def below(files: Mapping[str, bytes], folder: str) -> set[str]:
    """The names of the files in a folder, not in those below it."""
    names = (path.removeprefix(folder + "/") for path in files if path.startswith(folder + "/"))
    return {name for name in names if "/" not in name}


def of_kind(files: Mapping[str, bytes], kind: str) -> list[dict[str, Any]]:
    """Every object of a kind, patches included."""
    documents = (yaml.safe_load(text) for path, text in files.items() if path.endswith(".yaml"))
    return [document for document in documents if document.get("kind") == kind]
