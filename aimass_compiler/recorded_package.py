"""What dvc.lock, which is committed, records of a model's package: the one that its image has to serve."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from aimass_compiler import artifacts, conventions
from aimass_compiler.conflict_markers import is_conflicted, without_stages_in_conflict

#: Every scalar is text: of hashes, none is a number.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
#: What serves of a package; its card, which also says whose the model is, serves nobody.
_SERVED = (artifacts.PACKAGED_MODEL, artifacts.SIGNATURE, artifacts.REFERENCE)


def recorded_package(generated: Path, model: str) -> str:
    """A short name for the package; empty where no run of the package stage is on record."""
    path = generated / model / conventions.DVC_LOCK
    try:
        content = path.read_bytes()
        if is_conflicted(content):
            content, _ = without_stages_in_conflict(content)
        document = yaml.load(content, _Loader)  # noqa: S506  # it makes text, lists and mappings only
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return ""
    known = dict(_outputs(document, model))
    if not set(_SERVED) <= known.keys():
        return ""
    return hashlib.sha256(" ".join(known[path] for path in _SERVED).encode()).hexdigest()[:12]


def _outputs(document: Any, model: str) -> Iterator[tuple[str, str]]:
    """The files of the package stage, below the model's artifacts, with their hashes."""
    node = document
    for key in ("stages", "package", "outs"):
        node = node.get(key) if isinstance(node, dict) else None
    start = f"{conventions.ARTIFACTS_FOLDER}/{model}/"
    for entry in node if isinstance(node, list) else []:
        path, digest = (entry.get(key) if isinstance(entry, dict) else None for key in ("path", "md5"))
        if isinstance(path, str) and isinstance(digest, str) and path.startswith(start):
            yield path.removeprefix(start), digest
