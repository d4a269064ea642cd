"""The port at which Prometheus scrapes a pod that ends, open for two scrapes after the work is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Two scrapes, and a little.
STAY_SECONDS = 65.0


@contextlib.contextmanager
def at_port(port: int, registry: CollectorRegistry, stay: float = STAY_SECONDS) -> Iterator[None]:
    """Show what the registry has while this lasts, and a while longer where it ends well."""
    from prometheus_client import start_http_server

    server, thread = start_http_server(port, registry=registry)
    try:
        yield
        time.sleep(stay)
    finally:
        server.shutdown()
        thread.join()
