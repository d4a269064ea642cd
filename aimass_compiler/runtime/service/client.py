"""A pool of keep-alive connections that adds next to nothing to what it measures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aimass_compiler.runtime.service.dialects import Answer
from aimass_compiler.runtime.service.server import HOST

if TYPE_CHECKING:
    from aimass_compiler.runtime.service.dialects import Request

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Errors of a request that was not answered.
UNANSWERED = (OSError, EOFError, TimeoutError, ValueError)


class Pool:
    """As many connections as are needed at once, at most `size`; more requests wait for one."""

    def __init__(self, port: int, size: int, timeout_seconds: float) -> None:
        self._port = port
        self._free = asyncio.Semaphore(size)
        self._timeout_seconds = timeout_seconds
        self._idle: list[Connection] = []

    async def ask(self, request: Request) -> Answer:
        """The answer; raises one of UNANSWERED when there is none."""
        async with asyncio.timeout(self._timeout_seconds), self._free:
            connection = await self._connection()
            try:
                answer = await _exchange(connection, request.wire)
            except BaseException:
                connection[1].close()
                raise
            # Where less was sent than announced, the server waits for the rest.
            is_whole = int(request.headers.get("content-length", len(request.body))) == len(request.body)
            if is_whole and answer.headers.get("connection") != "close":
                self._idle.append(connection)
            else:
                connection[1].close()
            return answer

    async def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(HOST, self._port)


async def _exchange(connection: Connection, wire: bytes) -> Answer:
    reader, writer = connection
    writer.write(wire)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status_line.split(" ", 2)[1]), headers, body)
