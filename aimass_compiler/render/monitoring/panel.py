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


def percentiles(buckets: str, shares: Sequence[float] = (0.5, 0.95, 0.99)) -> tuple[tuple[str, str], ...]:
    """The lines of a histogram's percentiles, from the rates of its buckets."""
    return tuple((f"histogram_quantile({share}, {buckets})", f"p{share * 100:.0f}") for share in shares)
