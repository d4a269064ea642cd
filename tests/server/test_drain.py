"""Under load, a server that is told to stop loses no request of any kind of client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

#: Clients of a kind, each asking this often.
_CLIENTS = 60
_PAUSE_SECONDS = 0.1
_LOAD_SECONDS = 0.8
_ROWS = 5_000
_WIRE = "POST /predict HTTP/1.1\r\nhost: x\r\n{more}content-length: {size}\r\n\r\n"


class Seen(Counter[str]):
    """What came back, by status; `lost` are requests that were sent and not answered."""


def wire(rows: int, more: str = "") -> bytes:
    body = json.dumps({"rows": [CHURN_EXAMPLE] * rows}, separators=(",", ":")).encode()
    return _WIRE.format(more=more, size=len(body)).encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """The status of an answer, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return head.split(b" ")[1].decode(), b"connection: close" in head


async def with_httpx(server: Server, seen: Seen) -> None:
    limits = httpx.Limits(max_connections=_CLIENTS, max_keepalive_connections=_CLIENTS)

    async def one(client: httpx.AsyncClient) -> None:
        while True:
            try:
                reply = await client.post(f"http://{HOST}:{server.port}/predict", json=CHURN_EXAMPLE)
                seen[str(reply.status_code)] += 1
            except httpx.ConnectError:
                return  # refused: nothing was lost
            except httpx.TransportError as error:
                seen[f"lost: {error!r}"] += 1
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async with httpx.AsyncClient(limits=limits, timeout=10) as client:
        await asyncio.gather(*(one(client) for _ in range(_CLIENTS)))


async def connections(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One connection after the other, until they are refused."""
    while True:
        try:
            pair = await asyncio.open_connection(HOST, server.port)
        except ConnectionRefusedError:
            return
        try:
            yield pair
        finally:
            pair[1].close()


async def with_sockets(server: Server, seen: Seen, sent: bytes, *, once: bool = False) -> None:
    """Keep a connection until told otherwise, or take one a request."""
    async for reader, writer in connections(server):
        is_over = False
        while not is_over:
            try:
                writer.write(sent)
                code, is_over = await asyncio.wait_for(answer(reader), 10)
                seen[code] += 1
            except (OSError, EOFError, TimeoutError) as error:
                seen[f"lost: {error!r}"] += 1
                return
            is_over = is_over or once
            await asyncio.sleep(_PAUSE_SECONDS)


async def keeping(server: Server, seen: Seen) -> None:
    await asyncio.gather(*(with_sockets(server, seen, wire(1)) for _ in range(_CLIENTS)))


async def one_a_request(server: Server, seen: Seen) -> None:
    sent = wire(1, "connection: close\r\n")
    await asyncio.gather(*(with_sockets(server, seen, sent, once=True) for _ in range(_CLIENTS)))


async def with_many_rows(server: Server, seen: Seen) -> None:
    await asyncio.gather(*(with_sockets(server, seen, wire(_ROWS)) for _ in range(3)))


async def drained(server: Server, clients: Callable[[Server, Seen], Awaitable[None]]) -> Seen:
    seen = Seen()
    asking = asyncio.ensure_future(clients(server, seen))
    await asyncio.sleep(_LOAD_SECONDS)
    os.kill(server.process.pid, signal.SIGTERM)
    await asyncio.wait_for(asking, 30)
    return seen


@pytest.mark.parametrize("clients", [with_httpx, keeping, one_a_request, with_many_rows])
def test_no_request_is_lost(tmp_path: Path, clients: Callable[[Server, Seen], Awaitable[None]]) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--timeout-seconds", "5") as server:
        seen = asyncio.run(drained(server, clients))
        assert server.process.wait(10) == 0
        assert server.events()[-1]["unfinished"] == 0
    assert set(seen) == {"200"}
    assert seen["200"] > 5


def test_what_is_cut_off_at_the_end_is_told_and_counted(tmp_path: Path) -> None:
    package = packages.slow(tmp_path / "slow")
    flags = ["--drain-seconds", "0.6", "--timeout-seconds", "30", "--body-bytes", "2000000"]
    rows = json.dumps({"rows": [{"count": 1e6}] * 20_000}).encode()

    async def ask(server: Server) -> tuple[str, bool]:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(_WIRE.format(more="", size=len(rows)).encode() + rows)
        await asyncio.sleep(0.5)
        os.kill(server.process.pid, signal.SIGTERM)
        try:
            return await answer(reader)
        finally:
            writer.close()

    with serving(package, *flags) as server:
        assert asyncio.run(ask(server)) == ("503", True)
        assert server.process.wait(10) == 0
        events = server.events()
    assert events[-1]["unfinished"] == 1
    assert [event["code"] for event in events if event["event"] == "request"] == [503]
