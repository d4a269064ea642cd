"""A client that asks as fast as it is answered: raw sockets, one request at a time on each connection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import httptools
import numpy
import uvloop


@dataclass(frozen=True)
class Round:
    """What one round of load saw."""

    requests: int
    failed: int
    requests_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    client_share: float
    """The share of one core that the client used: near 1 it would be what is measured."""


class _Asking(asyncio.Protocol):
    """One connection; sends the next request when an answer is complete."""

    def __init__(
        self, request: bytes, until: float, latencies: list[float], done: asyncio.Future[int]
    ) -> None:
        self._request = request
        self._until = until
        self._latencies = latencies
        self._done = done
        self._failed = 0
        self._sent = 0.0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._latencies.append(now - self._sent)
        self._failed += self._parser.get_status_code() != 200
        if now >= self._until:
            self._transport.close()
            self._done.set_result(self._failed)
            return
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed a connection"))

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)


async def _load(port: int, request: bytes, connections: int, seconds: float) -> Round:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    started, used = time.perf_counter(), time.process_time()
    asked = [loop.create_future() for _ in range(connections)]
    for done in asked:
        await loop.create_connection(
            lambda done=done: _Asking(request, started + seconds, latencies, done),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    failed = sum(await asyncio.gather(*asked))
    took = time.perf_counter() - started
    return Round(
        requests=len(latencies),
        failed=failed,
        requests_per_second=len(latencies) / took,
        p50_milliseconds=float(numpy.percentile(latencies, 50)) * 1000,
        p99_milliseconds=float(numpy.percentile(latencies, 99)) * 1000,
        client_share=(time.process_time() - used) / took,
    )


def hold(port: int, request: bytes, connections: int, seconds: float) -> Round:
    """Ask on every connection for `seconds`; raises ConnectionError when the server closes one."""
    return uvloop.run(_load(port, request, connections, seconds))
