"""A connection's transport, as uvicorn sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Flow(FlowControl):  # type: ignore[misc]  # uvicorn is untyped here
    """Reads on only once what was read before has been parsed."""

    is_full = False

    def resume_reading(self) -> None:
        """Read on, unless something waits to be parsed."""
        if not self.is_full:
            super().resume_reading()


class Line:
    """Writes the head of an answer together with its body, and closes by way of the connection.

    uvicorn writes them one after the other, and each write is a system call and a packet.
    """

    def __init__(
        self, transport: asyncio.Transport, lose: Callable[[], None], close: Callable[[], None]
    ) -> None:
        """Call `lose` where an answer cannot be written any more, and `close` to close."""
        self._transport = transport
        self._lose = lose
        self._close = close
        self._head: bytes | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write the head and the body of an answer, which come in turn."""
        if data == _CONTINUE:
            self._put(data)
        elif self._head is None:
            self._head = data
        else:
            head, self._head = self._head, None
            self._put(head + data)

    def flush(self) -> None:
        """Write a head that no body follows, as in an answer to HEAD."""
        if self._head is not None:
            head, self._head = self._head, None
            self._put(head)

    def close(self) -> None:
        """Close behind what was written."""
        self.flush()
        self._close()

    def _put(self, data: bytes) -> None:
        """Write, unless the transport is closing already, of which uvicorn learns only later."""
        if self._transport.is_closing():
            self._lose()
        else:
            self._transport.write(data)
