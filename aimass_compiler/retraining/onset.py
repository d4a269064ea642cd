"""When drift began: the change point behind which a distance from training stays above its limit.

A distance crosses its limit by chance, too, so its history is divided into pieces of one level each: by PELT
(Killick, Fearnhead, Eckley 2012, https://arxiv.org/abs/1101.1438), of the library `ruptures`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from itertools import pairwise

from msgspec import Struct

from aimass_compiler.programs import prometheus

#: How far back is looked, and in how many points at most.
_DAYS, _MOST = 30, 720
#: With fewer points there is no level.
_FEWEST, _SHORTEST = 8, 3


class Onset(Struct, frozen=True):
    """Since when a distance is above its limit."""

    at: datetime
    is_known: bool
    """Whether it was below before; otherwise it began earlier than anything that is on record."""

    def __str__(self) -> str:
        """Such as `since 2026-05-03 14:00`, in UTC."""
        return f"since {'' if self.is_known else 'before '}{self.at:%Y-%m-%d %H:%M}"


def onsets(
    address: str, query: str, limit: float, window: float, now: datetime, tenant: str | None = None
) -> dict[str, Onset]:
    """By feature, since when it drifts; `window` is what each point of the query sums up, in seconds.

    Nothing of what does not drift now, and nothing without `ruptures`. Raises PrometheusError.
    """
    if find_spec("ruptures") is None:
        return {}
    since = now - timedelta(days=_DAYS)
    step = max(window, _DAYS * 86_400 / _MOST)
    span = since.timestamp(), now.timestamp()
    histories = prometheus.ask_range(address, query, span, step, tenant)
    found = {each.labels.get("feature", ""): onset(each.points, limit) for each in histories}
    return {name: began for name, began in found.items() if began is not None}


def onset(points: Sequence[tuple[float, float]], limit: float) -> Onset | None:
    """Since when the level of a history is above a limit; None where it is not, or nothing can divide it."""
    known = [(time, value) for time, value in points if math.isfinite(value)]
    if len(known) < _FEWEST:
        return None
    ends = _ends([value for _, value in known], limit)
    pieces = list(pairwise((0, *ends)))
    begin = None
    for first, end in reversed(pieces):
        if sum(value for _, value in known[first:end]) / (end - first) < limit:
            break
        begin = first
    return None if begin is None else Onset(datetime.fromtimestamp(known[begin][0], UTC), begin > 0)


def _ends(values: Sequence[float], limit: float) -> list[int]:
    """Where each piece of one level ends; changes of less than half the limit are no changes."""
    import numpy
    import ruptures

    capped = numpy.minimum(numpy.array(values), 10 * limit)  # an index has no upper end
    penalty = (limit / 2) ** 2 * math.log(len(values))
    found = ruptures.Pelt(model="l2", min_size=_SHORTEST, jump=1).fit(capped).predict(pen=penalty)
    return [int(end) for end in found]
