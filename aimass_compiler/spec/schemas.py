"""The JSON Schemas of what users write, for editors and other programs.

Source: https://json-schema.org/draft/2020-12, and for what editors read beyond it (markdownDescription,
defaultSnippets) https://github.com/redhat-developer/yaml-language-server
"""

from __future__ import annotations

import json
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.model_spec import ModelSpec
from aimass_compiler.spec.snippets import KEY_EXAMPLES, SNIPPETS
from aimass_compiler.values import Frozen

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: A name, not an address: nothing is fetched from there.
_NAME = "https://aimass.dev/{version}/{file}"
_LONGEST_DEFAULT = 60
#: The words of a schema behind which there are values, not schemas.
_VALUES = ("default", "enum", "const", "examples")


def schemas() -> dict[str, bytes]:
    """The schemas by their path in a project."""
    kinds: dict[str, type[Frozen]] = {
        conventions.SCHEMA_FILE: ModelSpec,
        conventions.SETTINGS_SCHEMA_FILE: Settings,
    }
    return {path: _written(path, kind) for path, kind in kinds.items()}


def _written(path: str, kind: type[Frozen]) -> bytes:
    language = kind.model_json_schema(by_alias=True)
    name = _NAME.format(version=conventions.API_VERSION.rpartition("/")[2], file=path)
    schema: dict[str, Any] = {"$schema": _DIALECT, "$id": name, **_for_editors(language)}
    schema["title"] = language["title"]
    if kind is ModelSpec:
        _add_examples(schema)
    return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()


def _for_editors(schema: Any) -> Any:
    """Without the titles that repeat a key, and with every default where it is read: in the description."""
    if isinstance(schema, list):
        return [_for_editors(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    written = {word: part if word in _VALUES else _for_editors(part) for word, part in schema.items()}
    if isinstance(written.get("title"), str):
        del written["title"]
    if isinstance(written.get("description"), str) and (told := _default_told(written)):
        written["markdownDescription"] = f"{written['description']}\n\n{told}"
    return written


def _default_told(schema: dict[str, Any]) -> str:
    if schema.get("default") in (None, ""):
        return ""
    default = json.dumps(schema["default"], ensure_ascii=False)
    return f"Default: `{default}`" if len(default) <= _LONGEST_DEFAULT else ""


def _add_examples(schema: dict[str, Any]) -> None:
    """Examples and snippets of keys, by their path from the top."""
    for path, examples in KEY_EXAMPLES.items():
        _at(schema, path)["examples"] = list(examples)
    for path, snippets in SNIPPETS.items():
        _at(schema, path)["defaultSnippets"] = [dict(snippet) for snippet in snippets]


def _at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a key such as `data.columns`; of everything for no path."""
    here = schema
    for step in path.split(".") if path else ():
        while "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        found: dict[str, Any] = here["properties"][step]
        here = found
    return here
