"""The report as series of Prometheus: shown at a port, pushed to a Pushgateway, or a file for an exporter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import record_names
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.metrics_port import at_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

_OF_MODEL = ("model", "namespace", "version")


def series(model: str, namespace: str, report: Mapping[str, Any]) -> CollectorRegistry:
    """Every series of the report."""
    from prometheus_client import CollectorRegistry, Gauge

    registry, whose = CollectorRegistry(), (model, namespace, report["version"])

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, (*_OF_MODEL, *labels), registry=registry)

    quality = gauge(record_names.SERIES_QUALITY, "A metric in production", "metric", "kind")
    for name, value in report["metrics"].items():
        if value is not None:
            quality.labels(*whose, name, "measured").set(value)
    for name, found in report["estimated"]["metrics"].items():
        quality.labels(*whose, name, "estimated").set(found["value"])
    missed = gauge(
        record_names.SERIES_QUALITY_MISSED, "Whether a gate is missed", "metric", "condition", "slice", "sure"
    )
    for gate in report["gates"]:
        part = ",".join(f"{name}={value}" for name, value in gate.get("slice", {}).items())
        about = (*whose, gate["metric"], gate["condition"], part)
        missed.labels(*about, "no").set(not gate["passed"])
        missed.labels(*about, "yes").set(gate["surely_missed"])
    gauge(record_names.SERIES_QUALITY_ROWS, "Rows whose truth is known").labels(*whose).set(
        report["labelled"]
    )
    if report["coverage"] is not None:
        share = gauge(record_names.SERIES_QUALITY_COVERAGE, "Of the rows that are due, those with a truth")
        share.labels(*whose).set(report["coverage"])
    gauge(record_names.SERIES_QUALITY_TIME, "When it was measured").labels(*whose).set_to_current_time()
    return registry


def show(registry: CollectorRegistry, port: int) -> None:
    """Let Prometheus read them at a port for two scrapes."""
    with at_port(port, registry):
        pass


def write(registry: CollectorRegistry, file: Path) -> None:
    """Replace the file that the node exporter's textfile collector reads."""
    from prometheus_client import write_to_textfile

    file.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(file), registry)


def push(registry: CollectorRegistry, url: str, model: str, namespace: str) -> None:
    """Replace what a Pushgateway has of the model. Raises StageFailure where it does not take it."""
    from prometheus_client import push_to_gateway

    try:
        push_to_gateway(url, "aimass-truth", registry, {"model": model, "namespace": namespace})
    except (OSError, ValueError) as error:
        message = f"{url} did not take the series: {error}"
        raise StageFailure(ExitCode.FAILED, message, "is it the address of a Pushgateway?") from None
