"""Tokens as text: a tokenizer, a chat template, and an answer's text as it grows, whole characters only."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
import jinja2.sandbox
import numpy
import onnxruntime_genai

from aimass_compiler import conventions
from aimass_compiler.runtime.language_server.documents import TOO_LONG
from aimass_compiler.runtime.server.response import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: What stands for bytes that are no character, or only the beginning of one.
_BROKEN = "\N{REPLACEMENT CHARACTER}"
_MARK = "aimass-mark"


class Tokenizer:
    """The engine's own tokenizer, without the model."""

    def __init__(self, folder: Path, vocabulary: Mapping[str, int]) -> None:
        self._tokenizer = onnxruntime_genai.Tokenizer(str(folder))
        self._pieces = {number: piece for piece, number in vocabulary.items()}
        self._longest = max(len(piece.encode()) for piece in vocabulary)
        self.size = max(self._pieces) + 1

    def ids(self, text: str, most: int) -> tuple[int, ...]:
        """The tokens of a text.

        Raises RequestError for a text of more than `most`, without tokenizing one that cannot have fewer, and
        for NUL, at which the engine's tokenizer ends.
        """
        if "\0" in text:
            raise RequestError(400, "the prompt has a NUL character, which this engine cannot read")
        least = len(text) // self._longest
        if least > most:
            message = f"the prompt has at least {least} tokens, where the context has room for {most + 1}"
            raise RequestError(400, f"{message} with the answer; send a shorter one", TOO_LONG)
        return tuple(self._tokenizer.encode(text).tolist())

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without those that only structure it."""
        found: str = self._tokenizer.decode(numpy.array(tokens, dtype=numpy.int32)) if tokens else ""
        return found

    def shown(self, token: int) -> str:
        """One token as an answer with log-probabilities names it."""
        return self.text([token]) or self._pieces.get(token, "")


class ChatTemplate:
    """A chat template, rendered as transformers renders it: a sandbox, without the blanks around blocks.

    Source: `_compile_jinja_template` of transformers' utils/chat_template_utils.py
    """

    def __init__(self, template: str) -> None:
        """Raises jinja2.TemplateError for one that is none."""
        environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _now
        self._template = environment.from_string(template)
        self.roles = tuple(role for role in conventions.CHAT_ROLES if self._renders(role))
        """Who may speak: whose words are in what is rendered."""

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The text that the model goes on from; raises RequestError where the template refuses it."""
        try:
            return self._template.render(messages=list(messages), add_generation_prompt=True)
        except jinja2.TemplateError as error:
            raise RequestError(400, f"the chat template refuses these messages: {error}"[:300]) from error

    def _renders(self, role: str) -> bool:
        turns = [{"role": "user", "content": _MARK[::-1]}, {"role": role, "content": _MARK}]
        for messages in (turns, turns[::-1], turns[1:]):
            try:
                if _MARK in self.prompt(messages):
                    return True
            except (RequestError, TypeError, ValueError):
                continue
        return False


def _to_json(value: Any, indent: int | None = None) -> str:
    """As transformers has it: jinja2's own would escape characters for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _now(written: str) -> str:
    return datetime.now().strftime(written)  # a template's own date is that of its place


class GrowingText:
    """The text of tokens that come one by one; broken characters and beginnings of stops are held back."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._tokens: list[int] = []
        self._begin = self._read = 0
        self._held = ""
        self.is_stopped = False
        """Whether a stop string was met; nothing comes behind it."""

    def add(self, token: int) -> str:
        """The characters that are certain now."""
        self._tokens.append(token)
        # A token's text may depend on the one before it, so that both are read together.
        before = self._tokenizer.text(self._tokens[self._begin : self._read])
        after = self._tokenizer.text(self._tokens[self._begin :])
        if after.endswith(_BROKEN):
            return ""
        self._begin, self._read = self._read, len(self._tokens)
        return self._certain(after[len(before) :])

    def rest(self) -> str:
        """What was held back, at the end."""
        if self.is_stopped:
            return ""
        before = self._tokenizer.text(self._tokens[self._begin : self._read])
        after = self._tokenizer.text(self._tokens[self._begin :])
        self._begin = self._read = len(self._tokens)
        found = self._certain(after[len(before) :])
        held, self._held = self._held, ""
        return found if self.is_stopped else found + held

    def _certain(self, more: str) -> str:
        text = self._held + more
        met = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if met:
            self.is_stopped, self._held = True, ""
            return text[: min(met)]
        held = max((_beginning(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]


def _beginning(text: str, stop: str) -> int:
    """How many characters at the end of a text may begin a stop."""
    for count in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:count]):
            return count
    return 0
