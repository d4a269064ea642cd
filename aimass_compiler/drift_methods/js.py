"""The Jensen-Shannon distance: the root of the divergence of two distributions from their mean, in bits.

Source: J. Lin, Divergence measures based on the Shannon entropy (1991); D. Endres and J. Schindelin, A new
metric for probability distributions (2003). It is 0 for the same shares and 1 where no bin has rows of both,
and needs no smallest share. For small shifts it is the root of an index of stability over 8 ln 2, from which
come limits and chance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aimass_compiler.drift_methods import CHI_SQUARED, DriftMethod

if TYPE_CHECKING:
    from aimass_compiler.drift_methods import Shares

_OF_STABILITY = 8 * math.log(2)


def divergence_root(recent: Shares, trained: Shares, *, is_ordered: bool = False) -> float:
    """From 0 to 1; the order of bins is nothing to it."""
    import numpy

    del is_ordered
    mean = (recent + trained) / 2
    bits = 0.0
    for shares in (recent, trained):
        some = shares > 0
        bits += float((shares[some] * numpy.log2(shares[some] / mean[some])).sum()) / 2
    return math.sqrt(max(bits, 0.0))


METHOD = DriftMethod(
    name="js",
    shown="Jensen-Shannon distance",
    warn=0.13,
    page=0.21,
    distance=divergence_root,
    chance=lambda rows: math.sqrt(CHI_SQUARED / rows / _OF_STABILITY),
    rows_for=lambda limit: CHI_SQUARED / (_OF_STABILITY * limit**2),
)
