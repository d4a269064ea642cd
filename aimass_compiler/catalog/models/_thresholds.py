"""Where the trees of a model divide a feature: between the values that they were learnt from, not at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_ROWS_AT_ONCE = 65_536
#: Where in its gap a threshold lies. Halfway between 0.10 and 0.12 is 0.11, which other rows may hold; the
#: golden section keeps away from all fractions (Hurwitz 1891, https://doi.org/10.1007/BF01206656).
_SECTION = (5**0.5 - 1) / 2


def spaced(
    features: NDArray[numpy.integer],
    thresholds: NDArray[numpy.floating],
    parts: Sequence[NDArray[numpy.float32]],
    *,
    equal: Literal["above", "below"],
) -> NDArray[numpy.floating]:
    """The thresholds [T] of these features [T], each moved into its gap.

    The gap is between the nearest values, in the rows of all `parts` [N, F], on either side. A value that
    is a threshold counts as `equal` says, so each of these rows is on the same side as before; a value
    that was rounded stays there, too. What has no value on one side, as where only missing values
    are divided from all others, stays as it is. What was moved is a float32, of whichever type.
    """
    moved = thresholds.copy()
    for feature in numpy.unique(features):
        own = features == feature
        known, places = numpy.unique(thresholds[own], return_inverse=True)
        lower, upper = _neighbours(known, _values(parts, int(feature)), equal)
        moved[own] = _sections(known, lower, upper, equal)[places]
    return moved


def _values(parts: Sequence[NDArray[numpy.float32]], feature: int) -> Iterator[NDArray[numpy.float32]]:
    """What is there of one feature, a block of rows at a time: the parts may be larger than memory."""
    for part in parts:
        for start in range(0, len(part), _ROWS_AT_ONCE):
            values = part[start : start + _ROWS_AT_ONCE, feature]
            yield values[numpy.isfinite(values)]


def _neighbours(
    known: NDArray[numpy.floating], blocks: Iterator[NDArray[numpy.float32]], equal: Literal["above", "below"]
) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """The largest value below and the smallest above each of the ascending thresholds, or infinity."""
    largest = numpy.full(len(known) + 1, -numpy.inf)
    smallest = numpy.full(len(known) + 1, numpy.inf)
    for values in blocks:
        interval = numpy.searchsorted(known, values, side="right" if equal == "above" else "left")
        numpy.maximum.at(largest, interval, values)
        numpy.minimum.at(smallest, interval, values)
    lower = numpy.maximum.accumulate(largest)[:-1]
    upper = numpy.minimum.accumulate(smallest[::-1])[::-1][1:]
    return lower, upper


def _sections(
    known: NDArray[numpy.floating],
    lower: NDArray[numpy.float64],
    upper: NDArray[numpy.float64],
    equal: Literal["above", "below"],
) -> NDArray[numpy.floating]:
    """A place in each gap as a float32; the end that keeps the sides where nothing is between the two."""
    with numpy.errstate(invalid="ignore"):  # a place in no gap is not a number, and is not used
        place = (lower + (upper - lower) * _SECTION).astype(numpy.float32).astype(numpy.float64)
    if equal == "above":
        place = numpy.where(place <= lower, upper, place)
    else:
        place = numpy.where(place >= upper, lower, place)
    is_gap = numpy.isfinite(lower) & numpy.isfinite(upper)
    return numpy.where(is_gap, place, known).astype(known.dtype)
