"""How a server stops: what is in flight is answered, nothing new is promised, and it ends with 0."""

from __future__ import annotations

import http.client
import re
import socket
import time
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.runtime.service.server import HOST, terminate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aimass_compiler.runtime.service.dialects import Request
    from aimass_compiler.runtime.service.server import RunningServer

_LOOK_SECONDS = 0.02
_SEEN_SECONDS = 5.0
_END_SECONDS = 30.0
_IN_FLIGHT = re.compile(rf"^{conventions.METRIC_IN_FLIGHT}\{{[^}}]*\}} 1.0$", re.MULTILINE)


def faults_of_stopping(server: RunningServer, request: Request, timeout_seconds: float) -> Iterator[str]:
    """Ask it to stop while half of a request has arrived; what went wrong, in sentences."""
    with socket.create_connection((HOST, server.port), _END_SECONDS) as connection:
        started = time.monotonic()
        connection.sendall(request.wire[:-1])
        if not _wait(lambda: bool(_IN_FLIGHT.search(server.get(conventions.METRICS_PATH)[1]))):
            yield f"{conventions.METRIC_IN_FLIGHT} never told of a request that was in flight"
        terminate(server)
        if not _wait(lambda: server.get(conventions.READY_PATH)[0] == http.client.SERVICE_UNAVAILABLE):
            yield "the server was still ready after SIGTERM"
        connection.sendall(request.wire[-1:])
        response = http.client.HTTPResponse(connection)
        response.begin()
        # Where the limit is shorter than all of this, the server was right to give up.
        is_late = time.monotonic() - started > timeout_seconds
        if response.status != http.client.OK and not is_late:
            yield f"a request in flight at SIGTERM was answered {response.status}, not 200"
    fault = server.end(_END_SECONDS)
    if fault:
        yield fault


def _wait(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + _SEEN_SECONDS
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
