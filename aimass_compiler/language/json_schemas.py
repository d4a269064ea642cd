"""The JSON Schemas of what users write, for editors and other programs.

Source: https://json-schema.org/draft/2020-12, and for what editors read beyond it (markdownDescription,
defaultSnippets) https://github.com/redhat-developer/yaml-language-server
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.language.snippets import BREAK_SNIPPETS, KEY_EXAMPLES, SNIPPETS
from aimass_compiler.pipeline.policy import Policy, PolicyWaivers
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team
from aimass_compiler.releases.accepted_breaks import AcceptedBreak
from aimass_compiler.spec.decode.model_spec import ModelSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: A name, not an address: nothing is fetched from there.
_NAME = "https://aimass.dev/{version}/{file}"
_LONGEST_DEFAULT = 60
#: The words of a schema behind which there are values, not schemas.
_VALUES = ("default", "enum", "const", "examples")


def schemas() -> dict[str, bytes]:
    """The schemas by their path in a project."""
    accepted = msgspec.json.schema(list[AcceptedBreak])
    accepted["description"] = "Breaks of a model's contract that its callers agreed to: accepts/MODEL.yaml."
    accepted["defaultSnippets"] = list(BREAK_SNIPPETS)
    described = {
        conventions.SCHEMA_FILE: _with_examples(_of_kind(ModelSpec)),
        conventions.SETTINGS_SCHEMA_FILE: _of_kind(Settings),
        conventions.TEAM_SCHEMA_FILE: _of_kind(Team),
        conventions.POLICY_SCHEMA_FILE: _of_kind(Policy),
        conventions.POLICY_WAIVERS_SCHEMA_FILE: _of_kind(PolicyWaivers),
        conventions.ACCEPTS_SCHEMA_FILE: {**_for_editors(accepted), "title": "Accepted breaks"},
    }
    return {path: _written(path, schema) for path, schema in described.items()}


def _of_kind(kind: type[Frozen]) -> dict[str, Any]:
    language = kind.model_json_schema(by_alias=True)
    return {**_for_editors(language), "title": language["title"]}


def _written(path: str, schema: dict[str, Any]) -> bytes:
    name = _NAME.format(version=conventions.API_VERSION.rpartition("/")[2], file=path)
    document = {"$schema": _DIALECT, "$id": name, **schema}
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _for_editors(schema: Any) -> Any:
    """Without the titles that repeat a key, and with every default where it is read: in the description."""
    if isinstance(schema, list):
        return [_for_editors(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    written = {word: part if word in _VALUES else _for_editors(part) for word, part in schema.items()}
    if isinstance(written.get("title"), str):
        del written["title"]
    if isinstance(written.get("description"), str) and (message := _default_shown(written)):
        written["markdownDescription"] = f"{written['description']}\n\n{message}"
    return written


def _default_shown(schema: dict[str, Any]) -> str:
    if schema.get("default") in (None, ""):
        return ""
    default = json.dumps(schema["default"], ensure_ascii=False)
    return f"Default: `{default}`" if len(default) <= _LONGEST_DEFAULT else ""


def _with_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """With examples and snippets of keys, by their path from the top."""
    for path, examples in KEY_EXAMPLES.items():
        _at(schema, path)["examples"] = list(examples)
    for path, snippets in SNIPPETS.items():
        _at(schema, path)["defaultSnippets"] = [dict(snippet) for snippet in snippets]
    return schema


def _at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """The schema of a key such as `data.columns`; of everything for no path."""
    here = schema
    for step in path.split(".") if path else ():
        while "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        found: dict[str, Any] = here["properties"][step]
        here = found
    return here
