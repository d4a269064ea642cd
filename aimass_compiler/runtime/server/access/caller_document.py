"""What the OpenAPI document of a model says to callers that must be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.access_folder import KEY_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, or a token (JWT)."},
}
_EITHER: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
_REFUSALS = {
    "401": "Who asks is not known.",
    "403": "Who asks is known, and is no caller of this model.",
    "429": "The caller has used up its budget: try again after `Retry-After`.",
}


def for_callers(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, with how callers are known and how others are refused."""
    components = {**document["components"], "securitySchemes": _SCHEMES}
    paths = {
        path: {method: _operation(path, operation) for method, operation in operations.items()}
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths, "components": components}


def _operation(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Health says it to anyone, and so does what a server says of itself."""
    if path.endswith(("/ready", "/live", "/v2")):
        return dict(operation)
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refusals = {code: {"description": why, "content": error} for code, why in _REFUSALS.items()}
    return {**operation, "security": _EITHER, "responses": {**operation["responses"], **refusals}}
