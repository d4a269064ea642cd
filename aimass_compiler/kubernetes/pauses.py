"""How long to rest between two looks at a cluster: briefly at first, to see what is quick at once."""

from __future__ import annotations

from collections.abc import Iterator

_FIRST = 0.1


def pauses(longest: float) -> Iterator[float]:
    """Seconds, each twice as many as those before, up to the longest."""
    pause = _FIRST
    while True:
        yield min(pause, longest)
        pause = min(2 * pause, longest)
