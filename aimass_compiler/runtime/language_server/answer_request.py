"""A request for an answer, and what is known of it so far: who asks, what for, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.runtime.language_server.account import AnswerEntry
from aimass_compiler.runtime.server.access.budget import TOKENS
from aimass_compiler.runtime.server.response import TRACE_HEADER, trace_of

if TYPE_CHECKING:
    from aimass_compiler.runtime.language_server.exchange import Exchange
    from aimass_compiler.runtime.language_server.protocol import WantedAnswer
    from aimass_compiler.runtime.language_server.writer import ResponseWriter
    from aimass_compiler.runtime.server.access.gate import AdmittedRequest
    from aimass_compiler.runtime.server.response import RequestError


class AnswerRequest:
    """One request, from its head to what is noted of it."""

    def __init__(
        self, path: str, headers: dict[bytes, bytes], identity: bytes, started: float, peer: str
    ) -> None:
        self.peer = peer
        self.visit: AdmittedRequest | None = None
        self.caller: str | None = None
        self.is_shut_out = False
        self.path = path
        self.headers = headers
        self.identity = identity
        self.started = started
        self.trace = trace_of(headers.get(TRACE_HEADER))
        self.wanted: WantedAnswer | None = None
        self.exchange: Exchange | None = None
        self.writer: ResponseWriter | None = None
        self.broken: RequestError | None = None

    def spend(self, tokens: int) -> None:
        """Charge tokens to the caller, where callers are declared."""
        if self.visit is not None:
            self.visit.spend(TOKENS, tokens)

    def entry(self, status: int, seconds: float, field: str | None) -> AnswerEntry:
        """What is noted of it; a stream that broke off is counted by why, not as the 200 it began with."""
        if self.broken is not None:
            status = self.broken.status
        text = "" if self.writer is None else self.writer.text
        return AnswerEntry(
            self.identity,
            self.path,
            status,
            seconds,
            self.wanted,
            self.exchange,
            text,
            self.trace,
            field,
            self.caller,
            self.is_shut_out,
        )
