"""Service level indicators: which requests count as bad, and how fast they may use up the budget.

Windows and factors are those of the Site Reliability Workbook, chapter 5, for a period of 30 days:
https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.pipeline.serving import Objectives
from aimass_compiler.render.serving.series import SLOW_SHARES, Requests, Timed

AVAILABILITY = conventions.OBJECTIVE_AVAILABILITY


class Burn(Struct, frozen=True):
    """The budget of 30 days goes `factor` times too fast, over a long window and still over a short one."""

    short: str
    long: str
    factor: float


#: severity → the burns that call for it.
BURNS = {
    "page": (Burn("5m", "1h", 14.4), Burn("30m", "6h", 6)),
    "ticket": (Burn("2h", "1d", 3), Burn("6h", "3d", 1)),
}


class Indicator(Struct, frozen=True):
    """The bad requests of one objective among all, and the share of them that is allowed.

    What is bad is the first of `bad` without the others; both are series of counters.
    """

    name: str
    bad: tuple[str, ...]
    all: str
    budget: float

    def burns(self, severity: str) -> tuple[Burn, ...]:
        """The burns that can be reached: no more than all requests can be bad."""
        return tuple(burn for burn in BURNS[severity] if burn.factor * self.budget < 1)

    def count_bad(self, window: str) -> str:
        """How many requests were bad in a window, as PromQL."""
        return " - ".join(_sum("increase", series, window) for series in self.bad)

    def ratio(self, window: str) -> str:
        """The share of requests that were bad in a window, as PromQL."""
        bad = "\n- ".join(_sum("rate", series, window) for series in self.bad)
        numerator = bad if len(self.bad) == 1 else f"(\n{bad}\n)"
        return f"{numerator}\n/ {_sum('rate', self.all, window)}\n"

    def recorded(self, window: str) -> str:
        """The name under which the share is recorded."""
        return recorded_ratio(self.name, window)


def recorded_ratio(name: str, window: str) -> str:
    """The metric that records an objective's share of bad requests over a window."""
    return f"aimass:{name}:bad_ratio_rate{window}"


def selector(model: str, namespace: str, *more: str) -> str:
    """The labels that choose one model in one environment."""
    return "{" + ",".join((f'model="{model}"', f'namespace="{namespace}"', *more)) + "}"


def boundary(seconds: float) -> float | None:
    """The smallest end of a histogram bucket at or above `seconds`; None when all lie below."""
    return next((end for end in conventions.DURATION_BUCKETS if end >= seconds), None)


def budget(objectives: Objectives) -> float:
    """The share of requests that may fail."""
    return round(1 - objectives.availability.fraction, 9)


def indicators(
    budget: float, requests: Requests, times: Iterable[Timed], model: str, namespace: str
) -> Iterator[Indicator]:
    """The availability, and each promised time that a histogram can tell."""
    if budget > 0:
        failed = requests.counter + selector(model, namespace, *requests.of_callers, requests.failed)
        every = requests.counter + selector(model, namespace, *requests.of_callers)
        yield Indicator(AVAILABILITY, (failed,), every, budget)
    for time in times:
        everything = f"{time.histogram}_count{selector(model, namespace)}"
        in_time = f"{time.histogram}_bucket" + selector(model, namespace, f'le="{time.end}"')
        yield Indicator(time.name, (everything, in_time), everything, time.share)


def latency_times(ends: Iterable[tuple[str, float]]) -> Iterator[Timed]:
    """The times of whole answers that are promised, by the ends of their buckets."""
    for percentile, end in ends:
        yield Timed(f"latency_{percentile}", conventions.METRIC_DURATION, end, SLOW_SHARES[percentile])


def watched_ends(objectives: Objectives) -> dict[str, float]:
    """For each latency objective the end of the bucket that stands for it, where there is one."""
    limits = {percentile: getattr(objectives.latency, percentile) for percentile in SLOW_SHARES}
    ends = {percentile: boundary(limit.seconds) for percentile, limit in limits.items() if limit is not None}
    return {percentile: end for percentile, end in ends.items() if end is not None}


def _sum(function: str, series: str, window: str) -> str:
    return f"sum by (namespace, model) ({function}({series}[{window}]))"
