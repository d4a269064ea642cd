"""The factor that a column is scaled by, whatever its training rows hold."""

from __future__ import annotations

import math


def factor(width: float) -> float:
    """What brings a width to 1; 1 for a column without a width, and for one that a double cannot hold.

    A factor of 0, which an infinite width has, would make all values one without a word.
    A factor, because engines do not divide alike: some multiply many rows by the reciprocal.
    """
    if not 0 < width < math.inf:
        return 1.0
    reciprocal = 1 / width
    return reciprocal if math.isfinite(reciprocal) else 1.0
