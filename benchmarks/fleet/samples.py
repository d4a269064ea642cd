"""How many samples Prometheus reads for rules, computed from what they select and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aimass_compiler import conventions, drift_methods
from aimass_compiler.catalog.quantities import Duration

#: How often rules are looked at that do not say so, and how often servers are asked.
_EVERY = _SCRAPED = 30.0
#: Series of one server, by metric: statuses, buckets, and ten columns.
_SERIES = {
    conventions.METRIC_REQUESTS: 10,
    f"{conventions.METRIC_DURATION}_bucket": len(conventions.DURATION_BUCKETS) + 1,
    conventions.METRIC_VIOLATIONS: 11,
    drift_methods.method(drift_methods.USUAL).series: 10,
}
_NARROWED = {('code=~"5.."'): 3 / 10, 'le="': 1 / (len(conventions.DURATION_BUCKETS) + 1)}
#: Series of one model, by what is recorded: for two objectives, or two severities.
_RECORDED = {"aimass:objective": 2, "aimass:drift_limit": 2}
_SELECTOR = re.compile(
    r"(?<![\w:])(?P<name>(aimass[:_][a-z0-9_:]+|up)\b)(?P<labels>\{[^}]*\})?(\[(?P<window>\w+)\])?"
)
_WORDS = re.compile(r'label_replace|"[^"]*"')


def read_in_a_second(groups: Iterable[Mapping[str, Any]], servers: float, models: int) -> float:
    """The samples of a second; per-model rules select the servers of one model, and the fleet's all."""
    total = 0.0
    for group in groups:
        every = Duration(group["interval"]).seconds if "interval" in group else _EVERY
        total += sum(_read(rule["expr"], servers, models) for rule in group["rules"]) / every
    return total


def _read(expression: str, servers: float, models: int) -> float:
    """The samples that one evaluation reads; of language models there are none."""
    found = 0.0
    for each in _SELECTOR.finditer(expression):
        series: float
        name, labels, window = each["name"], each["labels"] or "", each["window"]
        if name.startswith("aimass:"):
            series = models * next((n for start, n in _RECORDED.items() if name.startswith(start)), 1)
            spacing = 240.0 if name.endswith("_piece") else _EVERY
        else:
            series, spacing = servers * _SERIES.get(name, 1), _SCRAPED
            series *= next((share for label, share in _NARROWED.items() if label in labels), 1)
        found += series * (Duration(window).seconds / spacing if window else 1)
    return found
