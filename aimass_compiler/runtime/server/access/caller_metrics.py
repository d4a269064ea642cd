"""What each caller asked and was refused; names that unknown callers invent are no labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from aimass_compiler import conventions
from aimass_compiler.runtime.server.access.budget import ROWS, TOKENS
from aimass_compiler.runtime.server.access.gate import ADMITTED, LIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.runtime.server.access.gate import AccessGate

_REFUSED = (401, 403)


class CallerCollector(Collector):
    """Counters that a gate keeps; those of declared callers are exported before anything happens."""

    def __init__(self, model: str, gate: AccessGate) -> None:
        self._model = model
        self._gate = gate

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Requests and spending by caller, and refused requests of unknown callers by status."""
        asked = CounterMetricFamily(
            conventions.METRIC_CALLER_REQUESTS,
            "Requests of declared callers.",
            labels=("model", "caller", "outcome"),
        )
        spent = CounterMetricFamily(
            conventions.METRIC_CALLER_SPENT,
            "What answers to a caller cost.",
            labels=("model", "caller", "unit"),
        )
        for caller in self._gate.callers:
            for outcome in (ADMITTED, LIMITED):
                asked.add_metric([self._model, caller, outcome], self._gate.requests[caller, outcome])
            for unit in (ROWS, TOKENS):
                if count := self._gate.spent[caller, unit]:
                    spent.add_metric([self._model, caller, unit], count)
        unknown = CounterMetricFamily(
            conventions.METRIC_UNKNOWN_CALLERS, "Requests of no declared caller.", labels=("model", "code")
        )
        for status in _REFUSED:
            unknown.add_metric([self._model, str(status)], self._gate.unknown[status])
        yield from (asked, spent, unknown)
