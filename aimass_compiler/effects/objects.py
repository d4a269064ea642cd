"""Kubernetes objects in generated files, found by their kind wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from aimass_compiler.plan import Files

#: What may be an alias; in quotes it is none.
_ALIAS_LIKE = re.compile(rb"[\s\[{,:-]\*[\w-]")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def objects(files: Files, kind: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a kind in a model's files, by path; a file that is no YAML has none."""
    needle = f"kind: {kind}".encode()
    for path, content in sorted(files.items()):
        if needle in content and path.endswith((".yaml", ".yml")):
            yield from (found for found in _documents(content) if found.get("kind") == kind)


def yaml_document(content: bytes) -> Mapping[str, Any]:
    """The first mapping in a generated file; an empty one where there is none."""
    return next(iter(_documents(content)), {})


def _documents(content: bytes) -> list[Mapping[str, Any]]:
    try:
        # An alias is the object that it names and no copy, so a few of them cannot fill the memory.
        found = list(yaml.load_all(content, _Loader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    return [document for document in found if isinstance(document, Mapping)]


@lru_cache(maxsize=32)  # what is the same before and after is read once
def yaml_documents(content: bytes) -> list[Mapping[str, Any]]:
    """The mappings in a generated file; none where aliases repeat parts, which no compiler writes."""
    return [] if repeats(content) else _documents(content)


def repeats(content: bytes) -> bool:
    """Whether there are aliases: a few can stand for billions of values."""
    if _ALIAS_LIKE.search(content) is None:
        return False
    try:
        return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, _Loader))
    except (yaml.YAMLError, ValueError):
        return True


def differ(before: Files, after: Files, kind: str) -> bool:
    """Whether any file that may hold such an object is another one now, whatever it is called."""
    needle = f"kind: {kind}".encode()
    old, new = ({content for content in files.values() if needle in content} for files in (before, after))
    return old != new
