"""What was seen of a running server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Measured:
    """What was seen of a running server."""

    rows: int
    wrong_rows: int
    """Rows that were answered further off than the tolerance, or not at all."""
    largest_difference: float
    requests: int
    failed_requests: int
    """Good requests of the load that were not answered 200."""
    requests_per_second: float
    latency_seconds: Mapping[str, float]
    """By percentile: `p50`, `p95` and `p99`."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """The failed requests by what came instead of an answer."""
    faults: Sequence[str] = ()
    """What else went wrong, in sentences: bad requests that were accepted, a server that fell over."""
