"""Answers as OpenAI's API writes them: whole, in pieces, and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from aimass_compiler.runtime.server.response import JSON, RequestError, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aimass_compiler.runtime.language_server.generation import Token

#: What stands in the place of a field where prompt and answer do not fit; clients know it as a code.
TOO_LONG = "context_length_exceeded"
_CLOSE = (b"connection", b"close")
#: What OpenAI's clients call the statuses; every other one is the server's own fault.
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_NO_KEY = 401
_SERVER_ERROR = 500


def error_document(error: RequestError) -> dict[str, Any]:
    """The error in OpenAI's form."""
    kind = _TYPES.get(error.status)
    if kind is None:
        kind = "server_error" if error.status >= _SERVER_ERROR else "invalid_request_error"
    is_context = error.field == TOO_LONG
    code = TOO_LONG if is_context else "model_not_found" if error.field == "model" else None
    code = "invalid_api_key" if error.status == _NO_KEY else code
    field = None if is_context else error.field and error.field[:100]
    return {"error": {"message": error.message, "type": kind, "param": field, "code": code}}


def refusal(error: RequestError) -> Response:
    """The error as a response."""
    headers = [JSON, *error.headers]
    if error.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    if error.is_final:
        headers.append(_CLOSE)
    body = orjson.dumps(error_document(error))
    return Response(error.status, body, tuple(headers), field=error.field)


def event(document: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(document) + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Usage(NamedTuple):
    """Tokens of one answer."""

    prompt: int
    answer: int

    def document(self) -> dict[str, int]:
        """As OpenAI counts them."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.answer,
            "total_tokens": self.prompt + self.answer,
        }


class AnswerForm:
    """How one answer is written: what its documents have in common, and what a chat's differ in."""

    def __init__(self, identity: str, model: str, version: str, created: int, *, is_chat: bool) -> None:
        self._is_chat = is_chat
        self._kind = "chat.completion" if is_chat else "text_completion"
        self._common = {
            "id": f"{'chatcmpl' if is_chat else 'cmpl'}-{identity}",
            "created": created,
            "model": model,
            "system_fingerprint": version,
        }

    def whole(
        self, text: str, reason: str, probabilities: Mapping[str, Any] | None, usage: Usage
    ) -> dict[str, Any]:
        """The answer in one piece."""
        content = {"message": {"role": "assistant", "content": text}} if self._is_chat else {"text": text}
        choice = {"index": 0, **content, "logprobs": probabilities, "finish_reason": reason}
        return {**self._common, "object": self._kind, "choices": [choice], "usage": usage.document()}

    def first(self) -> dict[str, Any] | None:
        """The piece before all others, which only a chat has."""
        if not self._is_chat:
            return None
        return self._piece({"delta": {"role": "assistant", "content": ""}}, None, None)

    def piece(self, text: str, reason: str | None, probabilities: Mapping[str, Any] | None) -> dict[str, Any]:
        """A piece of the answer."""
        if self._is_chat:
            delta = {"content": text} if text or reason is None else {}
            return self._piece({"delta": delta}, reason, probabilities)
        return self._piece({"text": text}, reason, probabilities)

    def used(self, usage: Usage) -> dict[str, Any]:
        """The last piece, of what was used."""
        return {**self._pieces(), "choices": [], "usage": usage.document()}

    def _piece(
        self, content: Mapping[str, Any], reason: str | None, probabilities: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        choice = {"index": 0, **content, "logprobs": probabilities, "finish_reason": reason}
        return {**self._pieces(), "choices": [choice]}

    def _pieces(self) -> dict[str, Any]:
        return {**self._common, "object": f"{self._kind}.chunk" if self._is_chat else self._kind}


class Probabilities:
    """Log-probabilities of tokens, as chats or as completions tell them."""

    def __init__(self, shown: Callable[[int], str], *, is_chat: bool) -> None:
        """Name tokens as `shown`."""
        self._shown = shown
        self._is_chat = is_chat
        self._offset = 0

    def document(self, tokens: Sequence[Token]) -> dict[str, Any]:
        """Those of some tokens, in their order."""
        if self._is_chat:
            return {"content": [self._entry(token) for token in tokens]}
        shown = [self._shown(token.token) for token in tokens]
        offsets = []
        for text in shown:
            offsets.append(self._offset)
            self._offset += len(text)
        return {
            "tokens": shown,
            "token_logprobs": [token.log_probability for token in tokens],
            "top_logprobs": [
                {self._shown(place): value for place, value in token.alternatives} for token in tokens
            ],
            "text_offset": offsets,
        }

    def _entry(self, token: Token) -> dict[str, Any]:
        others = [self._one(place, value) for place, value in token.alternatives]
        return {**self._one(token.token, token.log_probability), "top_logprobs": others}

    def _one(self, token: int, value: float) -> dict[str, Any]:
        text = self._shown(token)
        return {"token": text, "logprob": value, "bytes": list(text.encode())}
