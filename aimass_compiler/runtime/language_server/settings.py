"""What an operator may set of a language model's server: what every server has, and what tokens need."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.settings import (
    FLAGS,
    Flag,
    ServerSettings,
    number,
    parser_of,
    settings_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: The word for answers that need not look like anything.
FREE = "none"


@dataclass(frozen=True, slots=True)
class LanguageSettings(ServerSettings):
    """How one server of a language model behaves."""

    timeout_seconds: float = 60.0
    """How long one answer may take, from its request's first byte to its last token."""
    context: int = 0
    """The most tokens of prompt and answer together; 0 is as many as the package has."""
    concurrent: int = 8
    """Answers that are written at once; further requests wait, up to `concurrency` in all."""
    first_token_buckets: tuple[float, ...] = ()
    """Further ends of the histogram of first tokens, in seconds."""
    token_buckets: tuple[float, ...] = ()
    """Further ends of the histogram of every other token."""
    structured_output: str | Mapping[str, Any] = ""
    """What answers must look like: nothing (`none`), a JSON Schema, or as the package says."""


def _seconds(name: str) -> Callable[[str], tuple[float, ...]]:
    read = number(0.0001, 86_400, name)

    def each(text: str) -> tuple[float, ...]:
        return tuple(read(part.strip()) for part in text.split(",")) if text else ()

    return each


def _structure(text: str) -> str | Mapping[str, Any]:
    if text in ("", FREE):
        return text
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        schema = error
    if not isinstance(schema, dict):
        name = conventions.VARIABLE_STRUCTURED_OUTPUT
        raise argparse.ArgumentTypeError(f"{name} must be `{FREE}` or a JSON Schema, not `{text[:60]}`")
    return schema


_OTHERS = ("timeout-seconds", "concurrency", "explained-rows", "drift-window-seconds")
_ENDS = "further ends of its buckets, in seconds, separated by commas"
_LANGUAGE_FLAGS = (
    *(flag for flag in FLAGS if flag.name not in _OTHERS),
    Flag(
        "concurrency",
        conventions.VARIABLE_CONCURRENCY,
        "64",
        whole(1, 100_000, conventions.VARIABLE_CONCURRENCY),
        "how many requests may be here at once, those that wait among them",
    ),
    Flag(
        "timeout-seconds",
        conventions.VARIABLE_TIMEOUT_SECONDS,
        "60",
        number(0.001, 3600, conventions.VARIABLE_TIMEOUT_SECONDS),
        "how long one answer may take",
    ),
    Flag(
        "context",
        conventions.VARIABLE_CONTEXT,
        "0",
        whole(0, 10_000_000, conventions.VARIABLE_CONTEXT),
        "the most tokens of prompt and answer together; 0 is as many as the package has",
    ),
    Flag(
        "concurrent",
        conventions.VARIABLE_CONCURRENT,
        "8",
        whole(1, 4096, conventions.VARIABLE_CONCURRENT),
        "how many answers are written at once",
    ),
    Flag(
        "first-token-buckets",
        conventions.VARIABLE_FIRST_TOKEN_BUCKETS,
        "",
        _seconds(conventions.VARIABLE_FIRST_TOKEN_BUCKETS),
        f"of the time to the first token: {_ENDS}",
    ),
    Flag(
        "token-buckets",
        conventions.VARIABLE_TOKEN_BUCKETS,
        "",
        _seconds(conventions.VARIABLE_TOKEN_BUCKETS),
        f"of the time between tokens: {_ENDS}",
    ),
    Flag(
        "structured-output",
        conventions.VARIABLE_STRUCTURED_OUTPUT,
        "",
        _structure,
        f"what answers must look like: `{FREE}` or a JSON Schema; by default as the package says",
    ),
)


def read_language_settings(
    arguments: Sequence[str] | None, environment: Mapping[str, str] = os.environ
) -> LanguageSettings:
    """The settings that flags, then variables, then defaults give; exits 2 with a line about a wrong one."""
    program = "python -m aimass_compiler.runtime.language_server"
    parser = parser_of(program, "the folder with onnx/, signature.json and golden.json")
    return settings_of(LanguageSettings, _LANGUAGE_FLAGS, parser, arguments, environment)
