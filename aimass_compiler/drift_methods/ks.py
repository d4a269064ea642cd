"""The Kolmogorov-Smirnov distance: the most by which two cumulative shares differ, at the ends of the bins.

Of numbers it is never above the distance of the rows themselves, and below it by at most the largest share
that a bin had in training: a tenth between deciles, and far less where a distribution moves as a whole. What
is missing counts as above every number. Categories have no order: of them it is the most by which the share
of any set of them differs, which is half the sum of all differences (total variation).

The limits are those that a normal distribution reaches which moves as far as indices of 0.1 and 0.25 say.
Where nothing changed, it exceeds 1.358 over the root of the rows once in twenty windows (Smirnov 1948), or
less often, as only the ends of bins are looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aimass_compiler.drift_methods import DriftMethod

if TYPE_CHECKING:
    from aimass_compiler.drift_methods import Shares

_SMIRNOV = 1.358


def largest_difference(recent: Shares, trained: Shares, *, is_ordered: bool) -> float:
    """From 0 to 1."""
    import numpy

    if is_ordered:
        return float(numpy.abs(numpy.cumsum(recent - trained)).max())
    return float(numpy.abs(recent - trained).sum() / 2)


METHOD = DriftMethod(
    name="ks",
    shown="Kolmogorov-Smirnov distance",
    warn=0.12,
    page=0.2,
    distance=largest_difference,
    chance=lambda rows: _SMIRNOV / math.sqrt(rows),
    rows_for=lambda limit: (_SMIRNOV / limit) ** 2,
)
