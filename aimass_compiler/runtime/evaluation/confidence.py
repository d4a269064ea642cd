"""Between which values a number lies: one measured on some rows, by a bootstrap, or one predicted."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CONFIDENCE = 0.95
_FEWEST_SAMPLES = 100
#: Many rows have a narrow interval anyway, and need few samples.
_ROWS_IN_ALL = 20_000_000
_SEED = 0


def interval(
    statistic: Callable[[NDArray[numpy.int64]], float], count: int, samples: int
) -> tuple[float | None, float | None]:
    """The ends of the 95 % interval of a number of `count` rows.

    `statistic` gives it for the rows at places [count], of which some are drawn more than once.

    It is the percentile interval (Efron & Tibshirani 1993, chapter 13), always of the same samples; None
    where there are too few rows for each sample to have such a number.
    """
    from scipy.stats import DegenerateDataWarning, bootstrap

    if count < 2:  # noqa: PLR2004  # one row is every sample of itself
        return None, None
    samples = max(_FEWEST_SAMPLES, min(samples, _ROWS_IN_ALL // count))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # answered with None below
        found = bootstrap(
            (numpy.arange(count),), statistic, n_resamples=samples,
            batch=1, vectorized=False, confidence_level=CONFIDENCE, method="percentile",
            rng=numpy.random.default_rng(_SEED),
        ).confidence_interval  # fmt: skip
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return None, None
    return float(found.low), float(found.high)


def conformal_quantile(errors: NDArray[numpy.float64], share: float) -> float | None:
    """The absolute error, of `errors` [N], that holds a share of the next rows, in the target's unit.

    By split conformal prediction (Lei et al. 2018, https://arxiv.org/abs/1604.04173).

    It is the smallest one of these that holds `share` of one row more than there are; None of too few rows.
    """
    place = math.ceil((len(errors) + 1) * share)
    return float(numpy.sort(errors)[place - 1]) if place <= len(errors) else None
