"""How an answer leaves: in one piece, or as server-sent events while it is being written.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler.runtime.language_server.documents import (
    DONE,
    AnswerForm,
    Probabilities,
    Usage,
    error_document,
    event,
)
from aimass_compiler.runtime.server.response import RequestError, Response

if TYPE_CHECKING:
    from aimass_compiler.runtime.language_server.exchange import Exchange, Piece
    from aimass_compiler.runtime.language_server.generation import Token
    from aimass_compiler.runtime.language_server.metrics import LanguageMetrics
    from aimass_compiler.runtime.language_server.protocol import WantedAnswer
    from aimass_compiler.runtime.language_server.text import Tokenizer

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]
_EVENTS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would keep the pieces until they are many
)


class ResponseWriter:
    """Writes one answer; `is_begun` says whether its status has been sent."""

    def __init__(self, form: AnswerForm, wanted: WantedAnswer, tokenizer: Tokenizer) -> None:
        self.is_begun = False
        self.text = ""
        """What was answered so far."""
        self._form = form
        self._wanted = wanted
        self._tokenizer = tokenizer
        self._probabilities = Probabilities(tokenizer.shown, is_chat=wanted.is_chat)

    async def whole(self, exchange: Exchange, metrics: LanguageMetrics) -> Response:
        """The answer once it is complete; raises what `Exchange.pieces` raises."""
        tokens: list[Token] = []
        async for piece in exchange.pieces(self._tokenizer, metrics):
            self.text += piece.text
            tokens.extend(piece.tokens)
        usage = Usage(len(self._wanted.prompt), exchange.tokens)
        document = self._form.whole(self.text, exchange.reason or "", self._told(tokens), usage)
        return Response(200, orjson.dumps(document))

    async def stream(
        self, exchange: Exchange, metrics: LanguageMetrics, send: Send, headers: Headers
    ) -> None:
        """Send the answer as it comes; raises what `Exchange.pieces` raises.

        A caller that reads slowly is waited for: what has come meanwhile is sent together.
        """
        async for piece in exchange.pieces(self._tokenizer, metrics):
            self.text += piece.text
            parts = list(self._events(piece))
            if not parts:
                continue
            if not self.is_begun:
                parts[:0] = await self._begin(send, headers)
            if piece.reason is not None:
                if self._wanted.counts_usage:
                    usage = Usage(len(self._wanted.prompt), exchange.tokens)
                    parts.append(event(self._form.used(usage)))
                parts.append(DONE)
            body = {"type": "http.response.body", "body": b"".join(parts)}
            await send({**body, "more_body": piece.reason is None})

    async def break_off(self, error: RequestError, send: Send) -> None:
        """End a stream that was begun with why it does not go on."""
        await send({"type": "http.response.body", "body": event(error_document(error))})

    async def _begin(self, send: Send, headers: Headers) -> list[bytes]:
        self.is_begun = True
        await send({"type": "http.response.start", "status": 200, "headers": [*_EVENTS, *headers]})
        first = self._form.first()
        return [] if first is None else [event(first)]

    def _events(self, piece: Piece) -> list[bytes]:
        told = self._told(piece.tokens) if piece.tokens else None
        if not piece.text and told is None and piece.reason is None:
            return []
        return [event(self._form.piece(piece.text, piece.reason, told))]

    def _told(self, tokens: Sequence[Token]) -> dict[str, Any] | None:
        return None if self._wanted.alternatives < 0 else self._probabilities.document(tokens)
