"""One answer on its way from the engine to its caller: tokens in, text out, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler.runtime.language_server.generation import AnswerEnd, Token
from aimass_compiler.runtime.language_server.text import GrowingText
from aimass_compiler.runtime.server.response import RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aimass_compiler.runtime.language_server.engine import EngineQueue, PendingAnswer
    from aimass_compiler.runtime.language_server.metrics import LanguageMetrics
    from aimass_compiler.runtime.language_server.protocol import WantedAnswer
    from aimass_compiler.runtime.language_server.text import Tokenizer

#: Characters of the engine's message that a caller gets.
_SHOWN = 300


class Piece(NamedTuple):
    """Some more of an answer."""

    text: str
    tokens: Sequence[Token]
    reason: str | None
    """Why it ends here: `stop` or `length`; None where it goes on."""


class Exchange:
    """One answer; `tokens`, `reason` and `first_seconds` say how it went."""

    def __init__(
        self,
        wanted: WantedAnswer,
        answer: PendingAnswer,
        queue: EngineQueue,
        stop_ids: frozenset[int],
        started: float,
    ) -> None:
        """`started` is when the request began, in monotonic seconds."""
        self.tokens = 0
        self.reason: str | None = None
        self.first_seconds: float | None = None
        self._wanted = wanted
        self._answer = answer
        self._queue = queue
        self._stop_ids = stop_ids
        self._started = started
        self._last = 0
        self._arrived = 0.0

    async def pieces(self, tokenizer: Tokenizer, metrics: LanguageMetrics) -> AsyncIterator[Piece]:
        """The answer as it comes.

        Raises RequestError where there is none, and CallerGone where nobody waits for it any more.
        """
        growing = GrowingText(tokenizer, self._wanted.stops)
        while self.reason is None:
            events = await self._answer.take()
            tokens = [event for event, _ in events if isinstance(event, Token)]
            text = ""
            for at, token in enumerate(tokens, start=1):
                text += growing.add(token.token) if token.token not in self._stop_ids else ""
                if growing.is_stopped:
                    self._queue.give_up(self._answer)
                    del tokens[at:]
                    self.reason = "stop"
            self._count([at for _, at in events[: len(tokens)]], tokens, metrics)
            end = events[-1][0]
            if self.reason is None and isinstance(end, AnswerEnd):
                self._verify(end)
                text += growing.rest()
                is_stop = growing.is_stopped or self._last in self._stop_ids
                self.reason = "stop" if is_stop else "length"
            yield Piece(text, tokens, self.reason)

    def _count(self, times: Sequence[float], tokens: Sequence[Token], metrics: LanguageMetrics) -> None:
        if not tokens:
            return
        self._last = tokens[-1].token
        self.tokens += len(tokens)
        before = [self._arrived, *times][: len(times)]
        between = [now - then for then, now in zip(before, times, strict=True)]
        if self.first_seconds is None:
            self.first_seconds = times[0] - self._started
            metrics.first_token(self.first_seconds, len(self._wanted.prompt))
            del between[0]
        self._arrived = times[-1]
        metrics.tokens(len(tokens), between)

    def _verify(self, end: AnswerEnd) -> None:
        if end.refusal:
            words = end.refusal.splitlines()[0][:_SHOWN]
            field = "structured_outputs" if self._wanted.guide is not None else None
            raise RequestError(400, f"the engine refuses the request: {words}", field)
        if self._queue.is_gone:
            message = "the engine ended; another server answers"
            raise RequestError(503, message, retry_after_seconds=1, is_final=True)
