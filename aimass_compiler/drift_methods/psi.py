"""The population stability index, the sum over bins of (recent - trained) * ln(recent / trained).

Source: N. Siddiqi, Credit Risk Scorecards (2006), who reads 0.1 as a small and 0.25 as a large shift. A share
of zero counts as 1e-4, so that an empty bin weighs much and not infinitely. Times the rows it is about
chi-squared where nothing changed (Yurdakul 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.drift_methods import CHI_SQUARED, DriftMethod

if TYPE_CHECKING:
    from aimass_compiler.drift_methods import Shares

_SMALLEST_SHARE = 1e-4


def stability(recent: Shares, trained: Shares, *, is_ordered: bool = False) -> float:
    """The index, to which the order of bins is nothing."""
    import numpy

    del is_ordered
    recent, trained = numpy.maximum(recent, _SMALLEST_SHARE), numpy.maximum(trained, _SMALLEST_SHARE)
    return float(((recent - trained) * numpy.log(recent / trained)).sum())


METHOD = DriftMethod(
    name="psi",
    shown="population stability index",
    warn=0.1,
    page=0.25,
    distance=stability,
    chance=lambda rows: CHI_SQUARED / rows,
    rows_for=lambda limit: CHI_SQUARED / limit,
)
