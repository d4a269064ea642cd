"""The metrics of a shared server: its own, and those of all its models as one page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aimass_compiler import conventions
from aimass_compiler.runtime.server.metrics import WatchedCollector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.runtime.server.connection_table import ConnectionTable
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.shared.table import ModelTable

#: By it each family of metrics begins.
_HELP = b"# HELP "


class SharedMetrics:
    """What the server counts, and what each model does."""

    def __init__(self, server: str, connections: ConnectionTable, log: EventLog, table: ModelTable) -> None:
        """Of a server of this name, which stands where a model's name stands."""
        self._table = table
        self._registry = CollectorRegistry()
        open_ones = Gauge(
            conventions.METRIC_CONNECTIONS, "Open connections.", ("model",), registry=self._registry
        )
        open_ones.labels(server).set_function(connections.count)
        limit = Gauge(
            conventions.METRIC_CONNECTIONS_LIMIT,
            "The limit on open connections.",
            ("model",),
            registry=self._registry,
        )
        limit.labels(server).set(connections.limit)
        self._registry.register(WatchedCollector(server, connections, log))
        self._registry.register(_TableCollector(table))
        ProcessCollector(registry=self._registry)

    async def text(self) -> bytes:
        """All metrics as Prometheus scrapes them; requests are answered between one model and the next."""
        pages = [generate_latest(self._registry)]
        for found in [*self._table.listed.values()]:
            if found.served is not None:
                found.served.account.settle()
                pages.append(found.served.metrics.text())
                await asyncio.sleep(0)
        return merged(pages)


def merged(pages: list[bytes]) -> bytes:
    """Several pages of metrics as one, in which the series of each metric stand together."""
    families: dict[bytes, list[bytes]] = {}
    for page in pages:
        for family in page.split(_HELP)[1:]:
            head, kind, series = family.split(b"\n", 2)
            families.setdefault(b"%s\n%s" % (head, kind), []).append(series)
    return b"".join(b"%s%s\n%s" % (_HELP, head, b"".join(series)) for head, series in families.items())


class _TableCollector(Collector):
    """How far each listed model is."""

    def __init__(self, table: ModelTable) -> None:
        self._table = table

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Whether each model is served as its file says, and about how much memory it takes."""
        loaded = GaugeMetricFamily(
            conventions.METRIC_MODEL_LOADED,
            "Whether the version that is released is served.",
            labels=("model",),
        )
        size = GaugeMetricFamily(
            conventions.METRIC_MODEL_MEMORY, "About how much memory the model takes.", labels=("model",)
        )
        for name, found in sorted(self._table.listed.items()):
            loaded.add_metric([name], 0.0 if found.problem else 1.0)
            size.add_metric([name], found.bytes)
        yield loaded
        yield size
