"""What Grafana would ask Prometheus for a dashboard: variables resolved, each panel's queries, legends.

Sources: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/ and
https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aimass_compiler.catalog.quantities import Duration
from tests.harness.prometheus.clock import faster
from tests.harness.prometheus.server import Prometheus

#: Pixels of a panel, and so the most points that are asked for.
_WIDTH = 600
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_VARIABLE = re.compile(r"\$\w+|\$\{\w+\}|\[\[\w+\]\]")


@dataclass(frozen=True)
class Drawn:
    """One line of a panel, as Prometheus answered it."""

    panel: str
    query: str
    series: list[dict[str, Any]]
    legend: str

    def faults(self) -> Iterator[str]:
        """What somebody who looks at the panel would miss."""
        if not self.series:
            yield f"{self.panel}: no data for {self.query}"
        for each in self.series:
            values = [float(value) for _, value in each["values"]]
            if not any(map(math.isfinite, values)):
                yield f"{self.panel}: nothing but {values[0]} for {self.query}"
            for label in _LEGEND.findall(self.legend):
                if not each["metric"].get(label):
                    yield f"{self.panel}: the legend {self.legend} has no {label} in {each['metric']}"


def draw(dashboard: dict[str, Any], prometheus: Prometheus, namespace: str, times: float) -> list[Drawn]:
    """Every line of every panel, in the environment of a namespace, on a faster clock."""
    chosen = _variables(dashboard, prometheus, namespace)
    seconds = _seconds(str(dashboard["time"]["from"]).removeprefix("now-"), times)
    return [
        _drawn(panel, target, chosen, prometheus, seconds, times)
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def _variables(dashboard: dict[str, Any], prometheus: Prometheus, namespace: str) -> dict[str, str]:
    """What the viewer chooses: the only Prometheus there is, and one of the environments that are offered."""
    chosen = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource":
            assert variable["query"] == "prometheus"
            chosen[variable["name"]] = "ours"
            continue
        found = _LABEL_VALUES.fullmatch(variable["query"])
        assert found is not None, variable["query"]
        offered = prometheus.label_values(found["series"], found["label"])
        assert namespace in offered, f"{variable['name']} offers {offered}"
        chosen[variable["name"]] = namespace
    return chosen


def _drawn(
    panel: dict[str, Any],
    target: dict[str, Any],
    chosen: dict[str, str],
    prometheus: Prometheus,
    seconds: float,
    times: float,
) -> Drawn:
    assert _filled(target["datasource"]["uid"], chosen) == "ours"
    shortest = _seconds(target["interval"], times)
    step = max(seconds / _WIDTH, shortest)
    built_in = {"__rate_interval": f"{math.ceil(1000 * max(step + shortest, 4 * shortest))}ms"}
    query = _filled(target["expr"], chosen | built_in)
    assert not _VARIABLE.search(query), f"Grafana knows no such variable: {query}"
    return Drawn(panel["title"], query, prometheus.over(query, seconds, step), target["legendFormat"])


def _filled(text: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return text


def _seconds(duration: str, times: float) -> float:
    return Duration(faster(duration, times)).seconds
