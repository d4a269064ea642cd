"""What Prometheus reads of a pod that scores: rows, drift, and when it was done.

A pod that has done its work would be gone before anyone asked, so it stays for two scrapes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions, drift_methods

if TYPE_CHECKING:
    from collections.abc import Callable

#: Two scrapes, and a little.
_STAY_SECONDS = 65.0


@contextlib.contextmanager
def shown(port: int | None, stay: float = _STAY_SECONDS) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that takes the report of a table, and shows it at a port; without one nothing is shown."""
    if port is None:
        yield lambda _: None
        return
    from prometheus_client import CollectorRegistry, Gauge, start_http_server

    registry = CollectorRegistry()
    rows = Gauge(
        conventions.SERIES_SCORED_ROWS,
        "Rows of the table",
        ("model", "version", "outcome"),
        registry=registry,
    )
    drift = {
        method.name: Gauge(
            method.scoring_series, "Shift of the table", ("model", "feature"), registry=registry
        )
        for method in drift_methods.methods()
    }
    success = Gauge(conventions.SERIES_SCORING_SUCCESS, "When it was scored", ("model",), registry=registry)
    server, thread = start_http_server(port, registry=registry)

    def take(report: dict[str, Any]) -> None:
        for outcome in ("scored", "rejected"):
            rows.labels(report["model"], report["version"], outcome).set(report["rows"][outcome])
        for name, distances in report["distances"].items():
            for feature, value in distances.items():
                drift[name].labels(report["model"], feature).set(value)
        success.labels(report["model"]).set_to_current_time()

    try:
        yield take
        time.sleep(stay)
    finally:
        server.shutdown()
        thread.join()
