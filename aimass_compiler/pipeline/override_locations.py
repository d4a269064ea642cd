"""Where in the spec a value of an environment was written: in its override, or for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler.diagnostics import Path
from aimass_compiler.pipeline import Pipeline


def written(pipeline: Pipeline, part: str) -> Iterator[tuple[Path, Any]]:
    """The path and the value of `part` for all, and again for each environment that overrides it.

    `part` is dotted and lies in serving, monitoring or training: `serving.rollout.surge`.
    """
    keys = tuple(part.split("."))
    usual = _value(pipeline, keys)
    yield keys, usual
    for name, environment in pipeline.environments.items():
        value = _value(environment, keys)
        if value != usual:
            yield ("environments", name, *keys), value


def place_in(pipeline: Pipeline, environment: str, part: str) -> Path:
    """Where the value of `part` in an environment was written: in its override, or for all of them."""
    keys = tuple(part.split("."))
    differs = _value(pipeline.environments[environment], keys) != _value(pipeline, keys)
    return ("environments", environment, *keys) if differs else keys


def is_written(pipeline: Pipeline, path: Path) -> bool:
    """Whether the spec has the value at a path of serving, monitoring or training, rather than a default."""
    node: Any = pipeline
    if path[0] == "environments":
        return True
    for step in path:
        if step in type(node).model_fields and node is not pipeline and step not in node.model_fields_set:
            return False
        node = getattr(node, str(step))
    return True


def first_written(pipeline: Pipeline, *paths: Path) -> Path:
    """The first of several paths whose value is in the spec; the last where all are defaults."""
    return next((path for path in paths if is_written(pipeline, path)), paths[-1])


def _value(node: Any, keys: Path) -> Any:
    for key in keys:
        node = getattr(node, str(key))
    return node
