"""What a dashboard shows of callers: who asks, who is refused, and who pays for how much."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.panel import RATE, Panel


def caller_panels(chosen: str) -> Iterator[Panel]:
    """All of them; `chosen` selects the series of the model."""
    asked = f"sum by (caller, outcome) (rate({conventions.METRIC_CALLER_REQUESTS}{chosen}{RATE}))"
    yield Panel("Requests by caller", "reqps", ((asked, "{{caller}}, {{outcome}}"),))
    spent = f"sum by (caller, unit) (rate({conventions.METRIC_CALLER_SPENT}{chosen}{RATE}))"
    yield Panel("Rows and tokens by caller", "short", ((spent, "{{caller}}, {{unit}}"),), "In a second.")
    unknown = f"sum by (code) (rate({conventions.METRIC_UNKNOWN_CALLERS}{chosen}{RATE}))"
    yield Panel("Refused unknown callers", "reqps", ((unknown, "{{code}}"),))
