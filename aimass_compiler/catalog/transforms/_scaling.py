"""The factor that a column is scaled by, whatever its training rows hold."""

from __future__ import annotations

import math


def factor(width: float) -> float:
    """What brings a width to 1; 1 for a column without a width that a double can divide by.

    A factor, because engines do not divide alike: some multiply many rows by the reciprocal.
    """
    if not width > 0:
        return 1.0
    reciprocal = 1 / width
    return reciprocal if math.isfinite(reciprocal) else 1.0
