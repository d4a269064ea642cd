"""What an answer must look like, as a grammar that the engine follows token by token.

Sources: https://docs.vllm.ai/en/latest/features/structured_outputs/ for `structured_outputs`,
https://platform.openai.com/docs/guides/structured-outputs for `response_format`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler.runtime.language_server.generation import Grammar
from aimass_compiler.runtime.language_server.package import TEXT
from aimass_compiler.runtime.language_server.settings import FREE
from aimass_compiler.runtime.server.response import RequestError, shown

if TYPE_CHECKING:
    from aimass_compiler.runtime.language_server.package import Output

#: A longer grammar takes seconds to compile, in which nobody else is answered.
_LONGEST = 16 << 10
_MOST_CHOICES = 1000
#: Blanks between the parts of JSON would let an answer go on for ever.
_COMPACT = {"x-guidance": {"whitespace_flexible": False}}
_FORMATS = (TEXT, "json_object", "json_schema")
_WAYS = ("choice", "regex", "json")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def guide_of(document: Mapping[str, Any], otherwise: Grammar | None) -> Grammar | None:
    """The grammar that a request asks for, or `otherwise`; raises RequestError for what is none."""
    wanted, format_ = document.get("structured_outputs"), document.get("response_format")
    if wanted is not None and format_ is not None:
        message = "`structured_outputs` and `response_format` say the same in two ways; send one of them"
        raise RequestError(400, message, "structured_outputs")
    if wanted is not None:
        return _structured(wanted)
    return otherwise if format_ is None else _formatted(format_)


def default_guide(output: Output, override: str | Mapping[str, Any]) -> Grammar | None:
    """The grammar of answers for which no request asks: what the operator says, or else the package."""
    if override == FREE or (not override and output.kind == TEXT):
        return None
    if isinstance(override, Mapping):
        return _json(override)
    return _choice(output.choices) if output.kind == "choice" else _json(output.schema or {})


def _structured(wanted: object) -> Grammar | None:
    given = (
        {name: value for name, value in wanted.items() if value is not None}
        if isinstance(wanted, dict)
        else {}
    )
    if len(given) != 1 or not given.keys() <= set(_WAYS):
        message = f"must be an object with one of {', '.join(f'`{way}`' for way in _WAYS)}"
        raise RequestError(400, f"`structured_outputs` {message}, not {shown(wanted)}", "structured_outputs")
    ((way, value),) = given.items()
    field = f"structured_outputs.{way}"
    if way == "choice":
        if not _are_choices(value):
            message = f"`{field}` must be a list of 1 to {_MOST_CHOICES} strings, not {shown(value)}"
            raise RequestError(400, message, field)
        return _choice(value)
    if way == "regex":
        if not isinstance(value, str) or not value:
            raise RequestError(400, f"`{field}` must be a regular expression, not {shown(value)}", field)
        return _bounded(Grammar("regex", value), field)
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise RequestError(400, f"`{field}` is not JSON: {error}", field) from error
    return _schema(value, field)


def _formatted(wanted: object) -> Grammar | None:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if not isinstance(wanted, dict) or kind not in _FORMATS:
        message = "must have a `type` of `text`, `json_object` or `json_schema`"
        raise RequestError(400, f"`response_format` {message}, not {shown(kind)}", "response_format")
    if kind == TEXT:
        return None
    if kind == "json_object":
        return _json({"type": "object"})
    described, field = wanted.get("json_schema"), "response_format.json_schema"
    return _schema(described.get("schema") if isinstance(described, dict) else None, field)


def _are_choices(value: object) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_CHOICES:
        return False
    return all(isinstance(item, str) and item for item in value)


def _choice(choices: Sequence[str]) -> Grammar:
    each = "|".join(_PUNCTUATION.sub(r"\\\1", choice) for choice in choices)
    return _bounded(Grammar("regex", f"({each})"), "structured_outputs.choice")


def _schema(value: object, field: str) -> Grammar:
    if not isinstance(value, dict):
        raise RequestError(400, f"`{field}` must have a JSON Schema, not {shown(value)}", field)
    return _bounded(_json(value), field)


def _json(schema: Mapping[str, Any]) -> Grammar:
    try:
        return Grammar("json_schema", orjson.dumps({**schema, **_COMPACT}).decode())
    except orjson.JSONEncodeError as error:
        raise RequestError(400, "the JSON Schema is nested too deeply", "response_format") from error


def _bounded(guide: Grammar, field: str) -> Grammar:
    if len(guide.text) > _LONGEST:
        message = f"`{field}` has {len(guide.text)} characters, where {_LONGEST} are the most"
        raise RequestError(400, message, field)
    return guide
