"""Every key that a JSON Schema describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the schema has, and what stands there."""
    if isinstance(schema, dict):
        for name, found in schema.get("properties", {}).items():
            yield f"{path}.{name}", found
        for word, below in schema.items():
            yield from keys(below, f"{path}/{word}")
    elif isinstance(schema, list):
        for place, below in enumerate(schema):
            yield from keys(below, f"{path}/{place}")
