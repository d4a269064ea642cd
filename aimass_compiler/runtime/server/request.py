"""A request as it arrives: its head, its body, and the transport that answers it.

Where a proxy reads a head otherwise than the server, the rest of it is taken for another request: whatever
can be read in two ways is refused. Source: RFC 9112, 3.2 and 6.1 to 6.3; RFC 9110, 2.5 and 7.2.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from aimass_compiler.runtime.server.response import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence


_VERSIONS = ("1.1", "1.0")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]*")
_CODING = b"transfer-encoding"


def fault(version: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with a head, as a sentence; None for nearly all."""
    if version not in _VERSIONS:
        return f"HTTP/{version} is not supported; use HTTP/1.1"
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts != 1 and (hosts or version == "1.1"):
        return f"a request must have one `Host` header, not {hosts}"
    if hosts and not _HOST.fullmatch(headers[names.index(b"host")][1]):
        return "the `Host` header is not a host and port"
    return _fault_of_coding(version, names, headers) if _CODING in names else None


def _fault_of_coding(
    version: str, names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]
) -> str | None:
    if version == "1.0":
        return "HTTP/1.0 has no `Transfer-Encoding`; send the body's `Content-Length`"
    if b"content-length" in names:
        return "a body has a `Content-Length` or a `Transfer-Encoding`, not both"
    if [value.lower() for name, value in headers if name == _CODING] != [b"chunked"]:
        return "the only supported `Transfer-Encoding` is `chunked`"
    return None


def without_offer(method: bytes, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A request's head without its `Upgrade`."""
    lines = [b"%s: %s\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"".join((b"%s %s HTTP/%s\r\n" % (method, url, version.encode()), *lines, b"\r\n"))


class Refusal(Exception):  # noqa: N818  # of what a caller sent, not an error of ours
    """A request that is not read on."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def written(self) -> bytes:
        """The whole answer."""
        body = orjson.dumps({"error": self.message})
        fields = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        return b"".join((STATUS_LINE[self.status], fields % len(body), body))


_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BoundedFlow(FlowControl):  # type: ignore[misc]  # uvicorn is untyped here
    """Reads on only once what was read before has been parsed."""

    is_full = False

    def resume_reading(self) -> None:
        """Read on, unless something waits to be parsed."""
        if not self.is_full:
            super().resume_reading()


class AnswerWriter:
    """Writes the head of an answer together with the first of its body, and closes by way of the connection.

    uvicorn writes them one after the other, and each write is a system call and a packet. What follows of a
    streamed body is written as it comes.
    """

    def __init__(
        self, transport: asyncio.Transport, lose: Callable[[], None], close: Callable[[], None]
    ) -> None:
        """Call `lose` where an answer cannot be written any more, and `close` to close."""
        self._transport = transport
        self._lose = lose
        self._close = close
        self._head: bytes | None = None
        self._is_begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write the head of an answer, or a part of its body."""
        if data == _CONTINUE or self._is_begun:
            self._put(data)
        elif self._head is None:
            self._head = data
        else:
            head, self._head = self._head, None
            self._is_begun = True
            self._put(head + data)

    def flush(self) -> None:
        """End an answer; a head that no body follows, as in an answer to HEAD, is written now."""
        self._is_begun = False
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


_IDENTITY = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIdentities:
    """What requests are called: as their callers do, where a log can bear it, or by a number."""

    def __init__(self) -> None:
        process = os.urandom(4).hex().encode()
        self._own = (b"%s-%x" % (process, number) for number in count(1))

    def of(self, headers: Mapping[bytes, bytes]) -> bytes:
        """The name of the request with these headers."""
        given = headers.get(b"x-request-id")
        return given if given is not None and _IDENTITY.fullmatch(given) else next(self._own)


_NO_PEER = ("", 0)


def peer_of(scope: Mapping[str, Any]) -> str:
    """The address from which a request comes, which may be a proxy's."""
    peer: str = (scope.get("client") or _NO_PEER)[0]
    return peer


Receive = Callable[[], Awaitable[dict[str, Any]]]


class CallerGone(Exception):  # noqa: N818  # no caller is left to be answered
    """The connection was closed before the body had arrived."""


class Bodies:
    """Reads the bodies of one event loop.

    Those that come in many pieces are kept as long as they arrive; where they are too many bytes together,
    the one that has been arriving for longest is given up, or slow callers would keep the others out.
    """

    def __init__(self, largest: int, together: int, check: Callable[[int, float], None]) -> None:
        """`check` raises RequestError where there is no time for a body of a size until then."""
        self._largest = largest
        self._check = check
        self._room = together
        self._arriving: dict[asyncio.Task[Any], int] = {}
        self._given_up: set[asyncio.Task[Any]] = set()

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes], until: float) -> bytes:
        """The whole body; raises RequestError (413, 415, 503) without keeping what would not be used.

        The connection reads on behind the answer, and forgets what comes. To close it instead would reset it
        under a caller that is still sending, who would then never read the answer.
        """
        declared = headers.get(b"content-length")
        if declared is not None:
            size = int(declared)
            if size > self._largest:
                raise _too_large(self._largest)
            self._check(size, until)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            encoding = headers[b"content-encoding"][:20].decode("latin-1")
            raise RequestError(415, f"the body is encoded as `{encoding}`; send it as it is")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        body: bytes = message["body"]
        if message["more_body"]:
            body = await self._whole(receive, body)
        if len(body) > self._largest:
            raise _too_large(self._largest)
        return body

    async def _whole(self, receive: Receive, start: bytes) -> bytes:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read by a task")
        self._arriving[task] = 0
        try:
            self._keep(task, len(start))
            return await self._rest(receive, task, start)
        except asyncio.CancelledError:
            if task not in self._given_up:
                raise
            task.uncancel()
            message = "too many bodies are arriving, and this one takes longest; try again"
            raise RequestError(503, message, retry_after_seconds=1, is_final=True) from None
        finally:
            self._room += self._arriving.pop(task)
            self._given_up.discard(task)

    async def _rest(self, receive: Receive, task: asyncio.Task[Any], start: bytes) -> bytes:
        parts, size, more = [start], len(start), True
        while more and size <= self._largest:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerGone
            part: bytes = message["body"]
            parts.append(part)
            size += len(part)
            self._keep(task, len(part))
            more = message["more_body"]
        return b"".join(parts)

    def _keep(self, task: asyncio.Task[Any], size: int) -> None:
        self._room -= size
        self._arriving[task] += size
        if self._room >= 0:
            return
        oldest = next(arriving for arriving in self._arriving if arriving not in self._given_up)
        self._given_up.add(oldest)
        oldest.cancel()


def _too_large(limit: int) -> RequestError:
    message = f"the body is larger than {limit} bytes; send fewer rows at once"
    return RequestError(413, message)
