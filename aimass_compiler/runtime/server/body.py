"""A request's body, read no further than the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.runtime.server.answer import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


class CallerGone(Exception):  # noqa: N818  # nobody is left to be told
    """The connection was closed before the body had arrived."""


async def read_body(
    receive: Callable[[], Awaitable[dict[str, Any]]], headers: Mapping[bytes, bytes], limit: int
) -> bytes:
    """The whole body; raises RequestError (413, 415) without keeping what would not be used.

    uvicorn reads on and forgets what comes behind the answer. To close the connection instead would
    reset it under a caller that is still sending, who would then never read the answer.
    """
    declared = headers.get(b"content-length")
    if declared is not None and int(declared) > limit:
        raise _too_large(limit)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        told = headers[b"content-encoding"][:20].decode("latin-1")
        raise RequestError(415, f"the body is encoded as `{told}`; send it as it is")
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGone
    body: bytes = message["body"]
    if message["more_body"]:
        body = await _rest(receive, body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _rest(receive: Callable[[], Awaitable[dict[str, Any]]], start: bytes, limit: int) -> bytes:
    parts, size, more = [start], len(start), True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        parts.append(message["body"])
        size += len(parts[-1])
        more = message["more_body"]
    return b"".join(parts)


def _too_large(limit: int) -> RequestError:
    told = f"the body is larger than {limit} bytes; send fewer rows at once"
    return RequestError(413, told)
