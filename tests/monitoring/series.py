"""What can happen to a model that serves, stretch by stretch, and what its servers export meanwhile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from aimass_compiler import conventions, drift_methods
from aimass_compiler.render.monitoring.alerts import AlertContext
from aimass_compiler.render.monitoring.objectives import AVAILABILITY, BURNS, Indicator

#: Name and labels of a series → its values, as promtool writes them.
Series = Mapping[str, str]

#: The one feature that is watched.
FEATURE = "example"
#: So many times the budget that every request is bad.
ALL = math.inf
#: Minutes between samples of days, as many as there may be: five would make series stale.
SPARSE = 4
#: The metric of requests that break the contract.
VIOLATED = conventions.METRIC_VIOLATIONS
#: Requests that a server takes at once.
ROOM = 64


class Stretch(Struct, frozen=True):
    """Some minutes in which nothing changes; by default all is well."""

    minutes: int = 60
    flow: float = 600
    """Requests a minute."""
    failed: float = 0
    """How many times more requests fail than the budget allows."""
    slow: float = 0
    """How many times more requests are slow than each latency objective allows."""
    refused: float = 0
    """The share of requests that break the contract."""
    in_flight: int = 1
    drift: float = 0
    rows: int | None = None
    """The rows of the drift window; as many as allow a verdict where nothing is said."""


Story = Sequence[Stretch]


def share_of_bad(stretch: Stretch, indicator: Indicator, watched: AlertContext) -> float:
    """The share of requests that are bad by an objective."""
    if indicator.name == AVAILABILITY:
        return _share(stretch.failed, indicator.budget)
    ends = {f"latency_{percentile}": end for percentile, end in watched.ends}
    return _share_of_slow(stretch, ends[indicator.name], watched)


def exported(story: Story, watched: AlertContext, every: int) -> dict[str, str]:
    """Every series of one server, the pod `one`, with a sample each `every` minutes."""
    rows = [stretch.rows if stretch.rows is not None else int(watched.rows) for stretch in story]
    lasting = [stretch.minutes // every for stretch in story]
    return {
        **_answered(story, watched, every),
        up(watched): _gauge(lasting, [1] * len(story)),
        _series(watched, conventions.METRIC_MODEL_INFO, version="1"): _gauge(lasting, [1] * len(story)),
        room(watched): _gauge(lasting, [ROOM] * len(story)),
        in_flight(watched): _gauge(lasting, [part.in_flight for part in story]),
        drift(watched): _gauge(lasting, [part.drift for part in story]),
        drift_rows(watched): _gauge(lasting, rows),
    }


def up(watched: AlertContext, pod: str = "one") -> str:
    """What Prometheus itself knows of a server."""
    return f'up{{namespace="{watched.namespace}",job="{watched.model}",pod="{pod}"}}'


def in_flight(watched: AlertContext, pod: str = "one") -> str:
    """How many requests a server is at."""
    return _series(watched, conventions.METRIC_IN_FLIGHT, pod)


def room(watched: AlertContext, pod: str = "one") -> str:
    """How many requests a server takes at once."""
    return _series(watched, conventions.METRIC_CONCURRENCY_LIMIT, pod)


def recorded(watched: AlertContext) -> list[str]:
    """What the rules record of a model."""
    names = {
        indicator.recorded(window)
        for indicator in watched.indicators
        for severity in BURNS
        for burn in indicator.burns(severity)
        for window in (burn.short, burn.long)
    }
    chosen = f'{{model="{watched.model}",namespace="{watched.namespace}"}}'
    return [name + chosen for name in sorted(names)]


def drift(watched: AlertContext, pod: str = "one") -> str:
    """How far a server's inputs have moved."""
    return _series(watched, drift_methods.method(watched.method).series, pod, feature=FEATURE)


def drift_rows(watched: AlertContext, pod: str = "one") -> str:
    """How many rows tell a server so."""
    return _series(watched, conventions.METRIC_DRIFT_ROWS, pod)


def _answered(story: Story, watched: AlertContext, every: int) -> dict[str, str]:
    """Requests by how they were answered, and how fast."""

    def counted(metric: str, shares: Iterable[float], **labels: str) -> dict[str, str]:
        grown = [
            (stretch.minutes // every, stretch.flow * share * every)
            for stretch, share in zip(story, shares, strict=True)
        ]
        return {_series(watched, metric, **labels): _counter(grown)}

    failed = [_share(stretch.failed, watched.budget) for stretch in story]
    refused = [min(stretch.refused, 1 - share) for stretch, share in zip(story, failed, strict=True)]
    good = [1 - a - b for a, b in zip(failed, refused, strict=True)]
    bucket, count = f"{conventions.METRIC_DURATION}_bucket", f"{conventions.METRIC_DURATION}_count"
    found = {
        **counted(conventions.METRIC_REQUESTS, good, code="200"),
        **counted(conventions.METRIC_REQUESTS, failed, code="500"),
        **counted(conventions.METRIC_REQUESTS, refused, code="422"),
        **counted(VIOLATED, refused, field=FEATURE),
        **counted(count, [1.0] * len(story)),
    }
    for end in dict.fromkeys(end for _, end in watched.ends):
        in_time = [1 - _share_of_slow(stretch, end, watched) for stretch in story]
        found |= counted(bucket, in_time, le=str(end))
    return found


def _share_of_slow(stretch: Stretch, end: float, watched: AlertContext) -> float:
    """Where one end stands for several objectives, the strictest of them says what is slow."""
    budgets = [each.budget for each in watched.indicators if each.name != AVAILABILITY]
    strictest = min(budget for (_, other), budget in zip(watched.ends, budgets, strict=True) if other == end)
    return _share(stretch.slow, strictest)


def _share(times: float, budget: float) -> float:
    return 1.0 if times == ALL else min(1.0, times * budget)


def _series(watched: AlertContext, metric: str, pod: str = "one", **labels: str) -> str:
    every = {"namespace": watched.namespace, "model": watched.model, "pod": pod, **labels}
    return metric + "{" + ",".join(f'{name}="{value}"' for name, value in every.items()) + "}"


def _counter(parts: Iterable[tuple[int, float]]) -> str:
    """A counter that starts at 0 and grows evenly in each part: its samples, and the growth a sample."""
    written, total = ["0"], 0.0
    for samples, growth in parts:
        written.append(f"{total + growth:.12g}+{growth:.12g}x{samples - 1}")
        total += samples * growth
    return " ".join(written)


def _gauge(samples: Iterable[int], values: Iterable[float]) -> str:
    """A gauge that stays as it is in each part; it starts as it goes on."""
    parts = list(zip(samples, values, strict=True))
    return " ".join([f"{parts[0][1]:.6g}", *(f"{value:.6g}x{count - 1}" for count, value in parts)])
