"""What a request asks for, read from OpenAI's documents: every value held against what it may be.

Sources: https://platform.openai.com/docs/api-reference/chat/create and .../completions/create; what vLLM adds
(`min_tokens`, `top_k`, `repetition_penalty`, `structured_outputs`) is called as there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler.runtime.language_server.documents import TOO_LONG
from aimass_compiler.runtime.language_server.generation import Grammar, TokenSampling
from aimass_compiler.runtime.language_server.package import TEXT
from aimass_compiler.runtime.language_server.structure import guide_of
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.response import RequestError, shown

if TYPE_CHECKING:
    from aimass_compiler.runtime.language_server.text import ChatTemplate, Tokenizer

#: As many as OpenAI and vLLM allow.
_MOST_ALTERNATIVES = 20
_MOST_STOPS = 16
_LONGEST_STOP = 1024
_COMPLETION_TOKENS = 16
_LARGEST = 2**63
#: What says who asks or how to bill it, and changes no answer.
_UNHEEDED = frozenset(
    (
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "parallel_tool_calls",
    )
)
#: What would change the answer and is not offered, with the values that ask for nothing.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none",),
    "modalities": (["text"],),
    "min_p": (0,),
}
_READ = frozenset(
    (
        "model", "max_tokens", "min_tokens", "temperature", "top_p", "top_k", "repetition_penalty", "seed",
        "stop", "stream", "stream_options", "logprobs", "response_format", "structured_outputs",
    )
)  # fmt: skip
_OF_CHAT = frozenset(("messages", "max_completion_tokens", "top_logprobs"))
_OF_COMPLETION = frozenset(("prompt",))


@dataclass(frozen=True, slots=True)
class WantedAnswer:
    """One answer that is asked for."""

    is_chat: bool
    prompt: tuple[int, ...]
    text: str
    """The prompt as text; empty where tokens were sent."""
    most: int
    least: int
    sampling: TokenSampling
    guide: Grammar | None
    stops: tuple[str, ...]
    alternatives: int
    is_streamed: bool
    counts_usage: bool
    """Whether a stream ends with what it used."""


class RequestReader:
    """Reads requests for one model."""

    def __init__(
        self, model: str, tokenizer: Tokenizer, template: ChatTemplate, context: int, guide: Grammar | None
    ) -> None:
        """`guide` is what answers follow for which no request asks otherwise."""
        self._model = model
        self._tokenizer = tokenizer
        self._template = template
        self._context = context
        self._guide = guide

    def read(self, body: bytes, *, is_chat: bool) -> WantedAnswer:
        """The answer that is wanted; raises RequestError for what cannot be given."""
        document = _object(body)
        self._verify_names(document, _OF_CHAT if is_chat else _OF_COMPLETION)
        text, prompt = self._chat(document) if is_chat else self._completion(document)
        streams = document.get("stream_options")
        if streams is not None and not isinstance(streams, dict):
            raise _wrong("stream_options", "an object", streams)
        most = self._most(document, len(prompt), is_chat=is_chat)
        return WantedAnswer(
            is_chat,
            prompt,
            text,
            most,
            _least(document, most),
            _sampling(document),
            guide_of(document, self._guide),
            _stops(document.get("stop")),
            _alternatives(document, is_chat=is_chat),
            _flag(document, "stream"),
            _flag(streams or {}, "include_usage"),
        )

    def _verify_names(self, document: Mapping[str, Any], own: frozenset[str]) -> None:
        for name, value in document.items():
            if name in _NEUTRAL:
                if value is not None and value not in _NEUTRAL[name]:
                    raise RequestError(400, f"`{name}` of {shown(value)} is not supported", name)
            elif name not in _READ and name not in own and name not in _UNHEEDED:
                hint = nearest(name, _READ | own)
                message = f"there is no parameter {shown(name)}{'; ' if hint else ''}{hint}"
                raise RequestError(400, message, name)
        model = document.get("model")
        if model is not None and model != self._model:
            message = f"there is no model {shown(model)} here; `{self._model}` is"
            raise RequestError(404, message, "model")

    def _completion(self, document: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
        prompt = document.get("prompt")
        if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str | list):
            prompt = prompt[0]
        if isinstance(prompt, str):
            return prompt, self._ids(prompt)
        if not isinstance(prompt, list) or not all(type(token) is int for token in prompt):
            raise _wrong("prompt", "one text, or a list of tokens", prompt)
        foreign = next((token for token in prompt if not 0 <= token < self._tokenizer.size), None)
        if foreign is not None:
            message = (
                f"`prompt` has the token {shown(foreign)}, where {self._tokenizer.size - 1} is the last one"
            )
            raise RequestError(400, message, "prompt")
        return "", self._bounded(tuple(prompt))

    def _chat(self, document: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
        messages = document.get("messages")
        if not isinstance(messages, list) or not messages:
            raise _wrong("messages", "a list of messages", messages)
        text = self._template.prompt([self._message(item, at) for at, item in enumerate(messages)])
        return text, self._ids(text)

    def _message(self, message: object, at: int) -> dict[str, str]:
        place = f"messages[{at}]"
        if not isinstance(message, dict):
            raise _wrong(place, "an object with `role` and `content`", message)
        role = message.get("role")
        role = "system" if role == "developer" else role
        if role not in self._template.roles:
            roles = ", ".join(f"`{known}`" for known in self._template.roles)
            message_ = f"`{place}.role` is {shown(role)}, where the chat template has {roles}"
            raise RequestError(400, message_, f"{place}.role")
        content = message.get("content")
        if isinstance(content, list):
            content = "".join(_part(part, f"{place}.content") for part in content)
        if not isinstance(content, str):
            raise _wrong(f"{place}.content", "text", content)
        return {"role": role, "content": content}

    def _ids(self, text: str) -> tuple[int, ...]:
        return self._bounded(self._tokenizer.ids(text, self._context - 1))

    def _bounded(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        if not ids:
            raise RequestError(400, "the prompt is empty", "prompt")
        if len(ids) >= self._context:
            message = (
                f"the prompt has {len(ids)} tokens, which leaves nothing of the context of {self._context}"
            )
            raise RequestError(400, f"{message} for an answer; send a shorter one", TOO_LONG)
        return ids

    def _most(self, document: Mapping[str, Any], used: int, *, is_chat: bool) -> int:
        room = self._context - used
        field = "max_tokens" if document.get("max_tokens") is not None else "max_completion_tokens"
        wanted = document.get(field)
        if wanted is None:
            return room if is_chat else min(_COMPLETION_TOKENS, room)
        if type(wanted) is not int or wanted < 1:
            raise _wrong(field, "a whole number from 1 on", wanted)
        if wanted > room:
            message = (
                f"the prompt has {used} tokens, and `{field}` asks for {wanted}: together {used + wanted}"
            )
            raise RequestError(400, f"{message}, where the context is {self._context}", TOO_LONG)
        return wanted


def _least(document: Mapping[str, Any], most: int) -> int:
    least = document.get("min_tokens")
    if least is not None and (type(least) is not int or not 0 <= least <= most):
        raise _wrong("min_tokens", f"a whole number from 0 to the most tokens, {most}", least)
    return least or 0


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestError(400, f"the body must be an object, not {shown(document)}")
    return document


def _part(part: object, place: str) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == TEXT else None
    if not isinstance(text, str):
        raise RequestError(400, f"`{place}` may have parts of type `text` only, not {shown(part)}", place)
    return text


def _sampling(document: Mapping[str, Any]) -> TokenSampling:
    seed = document.get("seed")
    if seed is not None and (type(seed) is not int or not -_LARGEST <= seed < _LARGEST):
        raise _wrong("seed", "a whole number of 64 bits", seed)
    top_k = document.get("top_k")
    if top_k is not None and (type(top_k) is not int or not -1 <= top_k < 2**31):
        raise _wrong("top_k", "a whole number from 1 on; 0 and -1 are off", top_k)
    return TokenSampling(
        temperature=_number(document, "temperature", 0, 2, 0.0),
        top_p=_number(document, "top_p", 0, 1, 1.0),
        top_k=max(0, top_k or 0),
        repetition_penalty=_number(document, "repetition_penalty", 0.01, 10, 1.0),
        seed=seed,
    )


def _number(document: Mapping[str, Any], field: str, low: float, high: float, otherwise: float) -> float:
    value = document.get(field)
    if value is None:
        return otherwise
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise _wrong(field, f"a number from {low:g} to {high:g}", value)
    return float(value)


def _stops(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > _MOST_STOPS:
        raise _wrong("stop", f"a text, or a list of at most {_MOST_STOPS}", value)
    for stop in stops:
        if not isinstance(stop, str) or not 0 < len(stop) <= _LONGEST_STOP:
            raise _wrong("stop", f"texts of 1 to {_LONGEST_STOP} characters", stop)
    return tuple(stops)


def _alternatives(document: Mapping[str, Any], *, is_chat: bool) -> int:
    """How many alternatives are returned for each token; -1 for none, and no log-probability either."""
    if not is_chat:
        wanted = document.get("logprobs")
        return -1 if wanted is None else _count("logprobs", wanted)
    count = document.get("top_logprobs")
    if _flag(document, "logprobs"):
        return 0 if count is None else _count("top_logprobs", count)
    if count:
        raise RequestError(400, "`top_logprobs` needs `logprobs` to be true", "top_logprobs")
    return -1


def _count(field: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_ALTERNATIVES:
        raise _wrong(field, f"a whole number from 0 to {_MOST_ALTERNATIVES}", value)
    return value


def _flag(document: Mapping[str, Any], field: str) -> bool:
    value = document.get(field)
    if value is not None and not isinstance(value, bool):
        raise _wrong(field, "true or false", value)
    return bool(value)


def _wrong(field: str, wanted: str, value: object) -> RequestError:
    return RequestError(400, f"`{field}` must be {wanted}, not {shown(value)}", field)
