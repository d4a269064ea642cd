"""One picture of a dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

#: What rates are taken over: Grafana fills in four times the interval of the samples.
RATE = "[$__rate_interval]"


class Panel(Struct, frozen=True):
    """One picture: its title, its unit, and its lines as PromQL and legend."""

    title: str
    unit: str
    lines: Sequence[tuple[str, str]]
    description: str = ""
    kind: str = "timeseries"
    threshold: float | None = None
