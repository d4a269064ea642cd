"""When a language model needs more servers: by who waits, and how full the cache is.

A server that writes one answer is as busy as one that writes eight, so its CPU or GPU says nothing.
Source: https://keda.sh/docs/latest/scalers/prometheus/
"""

from __future__ import annotations

import math

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.serving.token_times import promised

#: Beyond this share of the cache, answers are thrown out of it and begun again.
FULLEST_CACHE = 0.8
#: Where no time of a token is promised: a text is read at about this pace.
_USUAL_TOKEN_SECONDS = 0.1


def questions(serving: Serving, own: str) -> list[tuple[str, str, float]]:
    """What Prometheus is asked of a language model by the selector of its series, and the most of it."""
    prefix = engine_named(serving.engine).metric_prefix
    return [
        ("waiting", f"sum({prefix}{conventions.METRIC_WAITING}{own})", most_waiting(serving)),
        ("cache", f"sum({prefix}{conventions.METRIC_CACHE_USAGE}{own})", FULLEST_CACHE),
    ]


def most_waiting(serving: Serving) -> int:
    """How many requests may wait at one server, each within the promised time to its first token.

    While a caller waits, every answer that is written gets one token in each time of a token, and all
    `concurrent` of them end after `context` tokens at most: so many places become free by then.
    """
    tightest = min(promised(serving.objectives.first_token).values(), default=0.0)
    token = min(promised(serving.objectives.token).values(), default=_USUAL_TOKEN_SECONDS)
    freed = (serving.concurrent or 1) * tightest / token / (serving.context or 1)
    return max(1, math.floor(freed))
