"""The JSON Schemas of what users write, for editors and other programs.

Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.values import Frozen

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, bytes]:
    """The schemas by their path in a project."""
    kinds: dict[str, type[Frozen]] = {
        conventions.SCHEMA_FILE: ModelSpec,
        conventions.SETTINGS_SCHEMA_FILE: Settings,
    }
    return {path: _written(kind) for path, kind in kinds.items()}


def _written(kind: type[Frozen]) -> bytes:
    schema: dict[str, Any] = {"$schema": _DIALECT, **kind.model_json_schema(by_alias=True)}
    return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()
