"""Callers who mean no good, and an eye on the server meanwhile."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from server.serving import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.serving import Server

MEBIBYTE = 1 << 20
#: Between two looks at the server's health.
_PAUSE_SECONDS = 0.05
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


class Watch:
    """What was seen of a server while it was attacked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.first = resident(server)
        self.most = self.first
        self.seconds: list[float] = []
        self.late = 0.0
        """How much longer than it asked for this thread slept at most: what the machine does beside."""
        self.statuses: set[int] = set()

    @property
    def grown(self) -> float:
        """By how many MiB its memory grew at most."""
        return (self.most - self.first) / MEBIBYTE

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        is_over = False
        while not is_over:
            started = time.monotonic()
            try:
                self.statuses.add(self._server.get(conventions.LIVE_PATH).status)
            except OSError:
                self.statuses.add(0)
            self.seconds.append(time.monotonic() - started)
            self.most = max(self.most, resident(self._server))
            rested = time.monotonic()
            is_over = self._is_over.wait(_PAUSE_SECONDS)
            self.late = max(self.late, time.monotonic() - rested - _PAUSE_SECONDS)


@contextmanager
def watched(server: Server, mebibytes: float = 60, seconds: float = 1.0) -> Iterator[Watch]:
    """Hold the server, during the block, to quick health probes and to so much more memory.

    Kubernetes restarts a server of which three probes in a row take longer than two seconds. One of twenty
    may meet a machine that does something else, whose delays of this process are allowed ten times over.
    """
    watch = Watch(server)
    watch.start()
    try:
        yield watch
    finally:
        watch.end()
    assert watch.statuses <= {200}
    usual = sorted(watch.seconds)[: max(1, len(watch.seconds) * 19 // 20)]
    allowed = seconds + 10 * watch.late
    assert usual[-1] < allowed
    assert max(watch.seconds) < 4 * allowed
    assert watch.grown < mebibytes


def resident(server: Server) -> int:
    """The bytes of memory that a server has."""
    found = _RESIDENT.search(Path(f"/proc/{server.process.pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def connected(server: Server, buffer: int = 0) -> socket.socket:
    """A connection; with `buffer` it takes in no more than about as many bytes."""
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(20)
    connection.connect((HOST, server.port))
    return connection


@contextmanager
def many(server: Server, count: int, buffer: int = 0) -> Iterator[list[socket.socket]]:
    """So many connections, closed at the end."""
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(connected(server, buffer)) for _ in range(count)]


def pushed(connection: socket.socket, data: bytes, seconds: float = 0.3) -> int:
    """Send as much as is taken in this time; how many bytes that was."""
    connection.settimeout(seconds)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < len(data):
            sent += connection.send(data[sent : sent + MEBIBYTE])
    connection.settimeout(20)
    return sent


def told(connection: socket.socket, seconds: float = 20) -> bytes:
    """Everything that the server says until it closes the connection; fails when it does not in time."""
    connection.settimeout(seconds)
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            said += part
    return said


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has ended the connection; takes in what it said before."""
    with contextlib.suppress(ConnectionError):
        while select.select([connection], [], [], 0)[0]:
            if not connection.recv(65536):
                return True
        return False
    return True
