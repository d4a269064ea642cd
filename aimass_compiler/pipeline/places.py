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


def _value(node: Any, keys: Path) -> Any:
    for key in keys:
        node = getattr(node, str(key))
    return node
