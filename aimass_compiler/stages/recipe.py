"""What a stage reads of pipeline.json, as a short name that changes with it and with nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_LENGTH = 16


def recipe_digest(document: Mapping[str, Any], reads: Sequence[str]) -> str:
    """The name of these parts of pipeline.json, by dotted keys; one that is not there counts as null."""
    content = json.dumps({key: _part(document, key) for key in reads}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:_LENGTH]


def _part(document: Any, key: str) -> Any:
    for word in key.split("."):
        document = document.get(word) if isinstance(document, Mapping) else None
    return document
