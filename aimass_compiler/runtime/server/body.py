"""Requests' bodies, each read no further than the limit, and together no more than there is room for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aimass_compiler.runtime.server.answer import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Receive = Callable[[], Awaitable[dict[str, Any]]]


class CallerGone(Exception):  # noqa: N818  # nobody is left to be told
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
            told = headers[b"content-encoding"][:20].decode("latin-1")
            raise RequestError(415, f"the body is encoded as `{told}`; send it as it is")
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
