"""One connection: uvicorn's, with limits on what a caller may send and how long it may take.

uvicorn has none on a head's size or time, on trailers, on a body that nobody reads or on an answer that
nobody takes.
"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, httptools

from aimass_compiler.runtime.server import request
from aimass_compiler.runtime.server.request import AnswerWriter, BoundedFlow, Refusal

if TYPE_CHECKING:
    import asyncio
    from collections import Counter

#: Below it in a request's scope, its connection.
EXTENSION = "aimass.connection"
#: Of a request line with its headers, of trailers, of a chunk's extensions.
HEAD_BYTES = 64 << 10
_MOST_HEADERS = 256
#: What is parsed at once: so much more than a limit may be taken, and few requests be begun behind another.
_SLICE = 4 << 10
#: Read and forgotten behind an answer that did not need it, so that its sender can read the answer.
_UNWANTED_BYTES = 8 << 20
#: A body's chunks may be smaller than this on average only where there are few of them: each costs as much
#: to read, however small.
_CHUNK_BYTES = 32
_FEW_CHUNKS = 4096
#: What a request that waits for its turn takes.
_WAITING_BYTES = 4 << 10


class Phase(IntEnum):
    """What a connection is at; what comes behind ANSWER is only listened to."""

    HEAD = 0
    ANSWER = 1
    IDLE = 2
    REST = 3
    """Answered before its body had arrived."""
    GONE = 4
    """Told its last; what still arrives is forgotten."""


# Every request passes through these: a global is found sooner than an attribute of a class.
_HEAD, _ANSWER, _IDLE, _REST, _GONE = Phase


class Connections(Protocol):
    """What a connection asks of those that there are: whether it may stay, and to count why it is ended."""

    limit: int
    refused: Counter[str]

    def makes_room(self, newest: HttpConnection) -> bool:
        """Whether one more can stay."""


class HttpConnection(HttpToolsProtocol):  # type: ignore[misc]  # uvicorn is untyped here
    """A caller's connection; `phase` and `since` say how long it has been at what."""

    def __init__(self, *arguments: Any, connections: Connections, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.parser: Any = self.parser
        self.phase: Phase = _HEAD
        self.since = self.loop.time()
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_lost = False
        """Whether the caller went away, or was sent away, before it had its answer."""
        self._table = connections
        self._extensions = {EXTENSION: self}
        self._counted = 0
        self._unwanted = 0
        self._held = b""
        self._last_response: bytes | None = None
        self._is_offered = False
        self._chunk_credit = 0
        self._unsent, self._unsent_since = 0, 0.0

    # ---- what asyncio calls -------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for a request, when there is room for another connection."""
        super().connection_made(transport)
        self._socket = transport
        self.flow: BoundedFlow = BoundedFlow(transport)
        self.transport = AnswerWriter(transport, self._lose, self._close)
        if not self._table.makes_room(self):
            message = f"this server has reached its limit of {self._table.limit} connections; try again"
            self._refuse(Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "limit", message))

    def data_received(self, data: bytes) -> None:
        """Parse what arrives, slice by slice, as long as it is wanted."""
        if self.phase >= _IDLE:
            if self.phase == _IDLE:
                self.phase, self.since = _HEAD, self.loop.time()
            else:
                self._unwanted += len(data)
                if self._unwanted > _UNWANTED_BYTES:
                    self.abort("unwanted_body")
                    return
        if self.phase == _GONE or self._last_response is not None:
            return
        if self.pipeline or self._held:
            self._hold(data)
        elif len(data) <= _SLICE:
            self._feed(data)
        else:
            self._feed_slices(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request that is being answered, if there is one."""
        is_answered = self.cycle is None or self.cycle.response_complete
        self.is_lost = self.is_lost or not is_answered or exc is not None or self.flow.write_paused
        self._held = b""
        self.pipeline.clear()
        super().connection_lost(exc)

    # ---- what the parser calls ------------------------------------------------------------

    def on_headers_complete(self) -> None:
        """Refuse heads that are too large or can be read in two ways, and begin to answer the others."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._is_offered = True
            return
        if message := request.fault(self.parser.get_http_version(), self.headers):
            raise Refusal(HTTPStatus.BAD_REQUEST, "framing", message)
        if self._counted > HEAD_BYTES - _SLICE or len(self.headers) > _MOST_HEADERS:
            self._measure()
        self._counted = 0
        self._chunk_credit = _FEW_CHUNKS * _CHUNK_BYTES
        self.phase = _ANSWER
        self.scope["extensions"] = self._extensions
        super().on_headers_complete()
        # What follows here are trailers, and nobody reads them.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Hand on a part of a body."""
        self._counted = 0
        self._chunk_credit += len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Refuse a body of very many very small chunks."""
        self._chunk_credit -= _CHUNK_BYTES
        if self._chunk_credit < 0:
            message = f"the body comes in chunks of less than {_CHUNK_BYTES} bytes; send larger ones"
            raise Refusal(HTTPStatus.BAD_REQUEST, "framing", message)

    def on_message_complete(self) -> None:
        """End a request, whether it has been answered or not."""
        if self._is_offered:
            return
        self._counted = 0
        if self.phase == _REST:
            self.phase, self.since = _IDLE, self.loop.time()
        super().on_message_complete()

    # ---- what the answer calls ------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it.

        uvicorn sets a timer here, for each answer one; the table looks at all connections together.
        """
        self.server_state.total_requests += 1
        self.transport.flush()
        if self.phase == _GONE or self._socket.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            if self._held and not self.pipeline:
                self._go_on()
            return
        if self._last_response is not None:
            self._socket.write(self._last_response)
            self._leave()
            return
        self.since = self.loop.time()
        self.phase = _REST if self.cycle.more_body else _IDLE
        self._unwanted = 0
        if self._held:
            self._go_on()

    @property
    def is_held_up(self) -> bool:
        """Whether the answer may not have been taken: most are gone with the first write."""
        return self.is_lost or self.flow.write_paused

    async def took(self) -> bool:
        """Wait until the answer is taken; whether it was."""
        await self.flow.drain()
        return not self.is_lost

    # ---- what the table calls ---------------------------------------------------------------

    @property
    def burden(self) -> int:
        """About how many bytes are kept for this caller."""
        cycle = self.cycle
        body = 0 if cycle is None or cycle.response_complete else len(cycle.body)
        waiting = len(self.pipeline) * _WAITING_BYTES + len(self._held) + body
        return self._unsent + self._counted + waiting

    @property
    def moved(self) -> float:
        """When this caller last sent or took something."""
        return self._unsent_since if self._unsent else self.since

    @property
    def is_silent(self) -> bool:
        """Whether nothing of a request has arrived, and nothing of an answer is on its way."""
        return not self._unsent and (self.phase == _IDLE or (self.phase == _HEAD and not self._counted))

    def look(self, now: float, patience: float, idle: float) -> None:
        """End what has taken too long."""
        unsent = self._socket.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        if unsent:
            if now - self._unsent_since >= patience:
                self.abort("unread_answer")
            return
        age = now - self.since
        if self.phase == _IDLE:
            if age >= idle:
                self._socket.close()
        elif self.phase != _ANSWER and age >= patience:
            self._run_out(patience)

    def _run_out(self, patience: float) -> None:
        if self.phase == _HEAD:
            message = f"the request's headers did not arrive within {patience:g} s"
            self._refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "slow_head", message))
        elif self.phase == _REST:
            self.abort("slow_body")
        else:  # it was answered, and counted, before
            self._socket.abort()

    def abort(self, reason: str) -> None:
        """End the connection at once."""
        self._table.refused[reason] += 1
        self.is_lost = True
        self.phase = _GONE
        self._socket.abort()

    def give_way(self) -> None:
        """End a connection on which nothing is asked, for another one's sake."""
        self._table.refused["silent"] += 1
        self.dismiss()

    def dismiss(self) -> None:
        """Close a connection, with what its caller has not taken yet."""
        self.phase = _GONE
        if self._socket.get_write_buffer_size():
            self.is_lost = True
            self._socket.abort()
        else:
            self._socket.close()

    # ---- parsing --------------------------------------------------------------------------------

    def _feed_slices(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), _SLICE):
            if self.pipeline:
                self._hold(bytes(view[start:]))
                return
            self._feed(view[start : start + _SLICE])
            if self.phase == _GONE or self._last_response is not None:
                return

    def _feed(self, piece: bytes | memoryview) -> None:
        self._counted += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            rest = piece[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            refusal = error.__context__
            if not isinstance(refusal, Refusal):
                message = "this is not an HTTP/1.1 request"
                refusal = Refusal(HTTPStatus.BAD_REQUEST, "framing", message)
            self._refuse(refusal)
            return
        else:
            if self._counted and (self._counted > HEAD_BYTES or len(self.headers) > _MOST_HEADERS):
                self._refuse(_too_large())
            return
        self._decline(rest)

    def _decline(self, rest: bytes | memoryview) -> None:
        """Read a request on that offers another protocol, as if it did not.

        Java's client offers HTTP/2 with each request, and the parser takes its body for that protocol.
        Source: RFC 9110, 7.8.
        """
        if self._is_offered:
            self._is_offered, self._counted = False, 0
            version = self.parser.get_http_version()
            begun = request.without_offer(self.parser.get_method(), self.url, version, self.headers)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._feed(begun)
        if rest and self.phase != _GONE and self._last_response is None:
            self._feed(rest)

    def _measure(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > _MOST_HEADERS:
            raise _too_large()

    def _hold(self, data: bytes) -> None:
        self._held += data
        self.flow.pause_reading()
        self.flow.is_full = True

    def _go_on(self) -> None:
        data, self._held = self._held, b""
        self.flow.is_full = False
        self.flow.resume_reading()
        self.data_received(data)

    def _lose(self) -> None:
        """Know that the answer that is under way does not arrive."""
        self.is_lost = True
        self.cycle.disconnected = True

    # ---- endings ----------------------------------------------------------------------------------

    def _refuse(self, refusal: Refusal) -> None:
        self._table.refused[refusal.reason] += 1
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            if self.phase != _REST:
                self._socket.write(refusal.written())
            self._leave()
        elif not cycle.more_body or self.pipeline:
            # What came before it is answered first.
            self._last_response = refusal.written()
        else:
            if not cycle.response_started:
                self._socket.write(refusal.written())
            cycle.disconnected = True
            cycle.message_event.set()
            self._leave()

    def _close(self) -> None:
        """Close behind an answer; where more may arrive, its sender can still read the answer."""
        if self._held or self.pipeline or (self.cycle is not None and self.cycle.more_body):
            self._leave()
        else:
            self._socket.close()

    def _leave(self) -> None:
        """Write no more, and forget what arrives: to close would reset the connection under its sender."""
        self.phase, self.since, self._unwanted = _GONE, self.loop.time(), 0
        self._held = b""
        self.pipeline.clear()
        self.flow.is_full = False
        if self._socket.can_write_eof() and not self._socket.is_closing():
            self._socket.write_eof()
        self.flow.resume_reading()


def _too_large() -> Refusal:
    message = (
        f"the request line and headers may have {HEAD_BYTES} bytes, and {_MOST_HEADERS} headers, at most"
    )
    return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "large_head", message)
