"""What the server is told through its environment: limits, sampling, windows."""

from __future__ import annotations

import math

from aimass_compiler import conventions
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Serving

#: Until every proxy has heard that a pod is going, it is still sent requests.
FAREWELL_SECONDS = 5
_MARGIN_SECONDS = 5


def drain_seconds(serving: Serving) -> int:
    """When a server that was told to stop is gone at the latest.

    It stays until callers have learnt to go elsewhere, and twice as long for those who had just connected;
    the last of them may ask just before, and is answered.
    """
    return math.ceil(3 * conventions.STAY_SECONDS + serving.limits.timeout.seconds) + 1


def termination_seconds(serving: Serving) -> int:
    """When Kubernetes kills a server that was told to stop: later than it needs by any path."""
    return FAREWELL_SECONDS + drain_seconds(serving) + _MARGIN_SECONDS


def variables(serving: Serving, monitoring: Monitoring) -> dict[str, str]:
    """The server's environment variables and their values."""
    return {
        conventions.VARIABLE_CONCURRENCY: str(serving.limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: _plain(serving.limits.timeout.seconds),
        conventions.VARIABLE_BODY_BYTES: str(serving.limits.body.size),
        conventions.VARIABLE_PREDICTION_SAMPLE: _plain(serving.logs.predictions.sample),
        conventions.VARIABLE_DRIFT_WINDOW_SECONDS: str(math.ceil(monitoring.drift.window.seconds)),
        conventions.VARIABLE_DRAIN_SECONDS: str(drain_seconds(serving)),
        conventions.VARIABLE_STAY_SECONDS: str(conventions.STAY_SECONDS),
    }


def _plain(number: float) -> str:
    """A decimal number without an exponent, which not every reader of variables knows."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
