"""What Prometheus reads of a pod that scores: rows, drift, and when it was done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions, drift_methods
from aimass_compiler.runtime.metrics_port import STAY_SECONDS, at_port

if TYPE_CHECKING:
    from collections.abc import Callable


@contextlib.contextmanager
def shown(port: int | None, stay: float = STAY_SECONDS) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that takes the report of a table, and shows it at a port; without one nothing is shown."""
    if port is None:
        yield lambda _: None
        return
    from prometheus_client import CollectorRegistry, Gauge

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

    def take(report: dict[str, Any]) -> None:
        for outcome in ("scored", "rejected"):
            rows.labels(report["model"], report["version"], outcome).set(report["rows"][outcome])
        for name, distances in report["distances"].items():
            for feature, value in distances.items():
                drift[name].labels(report["model"], feature).set(value)
        success.labels(report["model"]).set_to_current_time()

    with at_port(port, registry, stay):
        yield take
