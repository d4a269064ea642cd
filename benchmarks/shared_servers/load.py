"""Callers of many models who ask at a fixed rate together, whether they are answered or not.

A request's time counts from when it was due, so that a server that stalls is not spared.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import httptools
import numpy
import uvloop

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEED = 11


@dataclass(frozen=True)
class Caller:
    """Who asks one model, on a connection of its own."""

    port: int
    request: bytes


@dataclass(frozen=True)
class Answered:
    """What a round of load saw."""

    requests: int
    failed: int
    p50_milliseconds: float
    p99_milliseconds: float


class _Connection(asyncio.Protocol):
    """Sends one request after the other; those that are due meanwhile wait."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self._request = request
        self._latencies = latencies
        self._due: deque[float] = deque()
        self._is_waiting = False
        self._parser = httptools.HttpResponseParser(self)
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, due: float) -> None:
        """Ask as soon as what was asked before is answered."""
        self._due.append(due)
        if not self._is_waiting:
            self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._latencies.append(time.perf_counter() - self._due.popleft())
        self.failed += self._parser.get_status_code() != 200
        self._parser = httptools.HttpResponseParser(self)
        self._is_waiting = False
        if self._due:
            self._send()

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed it, as some do after few seconds without a request."""
        return self._transport.is_closing()

    def close(self) -> None:
        self.failed += len(self._due)
        self._transport.close()

    def _send(self) -> None:
        self._is_waiting = True
        self._transport.write(self._request)


async def _hold(callers: Sequence[Caller], rate: float, seconds: float) -> Answered:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []

    async def connected(caller: Caller) -> _Connection:
        _, connection = await loop.create_connection(
            lambda: _Connection(caller.request, latencies), "127.0.0.1", caller.port
        )
        return connection

    connections = [await connected(caller) for caller in callers]
    chance = random.Random(_SEED)  # noqa: S311  # no secret
    due = time.perf_counter()
    end = due + seconds
    while (due := due + chance.expovariate(rate)) < end:
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        place = chance.randrange(len(connections))
        if connections[place].is_closed:
            connections[place] = await connected(callers[place])
        connections[place].ask(due)
    await asyncio.sleep(0.5)
    for connection in connections:
        connection.close()
    return Answered(
        requests=len(latencies),
        failed=sum(connection.failed for connection in connections),
        p50_milliseconds=float(numpy.percentile(latencies, 50)) * 1000,
        p99_milliseconds=float(numpy.percentile(latencies, 99)) * 1000,
    )


def hold(callers: Sequence[Caller], rate: float, seconds: float) -> Answered:
    """Ask for `seconds` at `rate` requests a second, all callers together."""
    return uvloop.run(_hold(callers, rate, seconds))
