"""Where the trees of a model divide a feature: between the values of its rows, not at one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from aimass_compiler.catalog.feature_matrix import FeatureMatrix

_NUMBERS_AT_ONCE = 4_000_000
#: On which side of a threshold a value is that equals it.
Side = Literal["above", "below"]
#: Where in its gap a threshold lies. Halfway between 0.10 and 0.12 is 0.11, which other rows may hold; the
#: golden section keeps away from all fractions (Hurwitz 1891, https://doi.org/10.1007/BF01206656).
_SECTION = (5**0.5 - 1) / 2


def spaced(
    features: NDArray[numpy.integer],
    thresholds: NDArray[numpy.floating],
    parts: Sequence[NDArray[numpy.float32] | FeatureMatrix],
    *,
    equal: Side,
) -> NDArray[numpy.floating]:
    """The thresholds [T] of these features [T], each moved into its gap.

    The gap is between the nearest values, in the rows of all `parts` [N, F], on either side. A value that
    is a threshold counts as `equal` says, so each of these rows is on the same side as before; a value
    that was rounded stays there, too. What has no value on one side, as where only missing values
    are divided from all others, stays as it is. What was moved is a float32, of whichever type.
    """
    moved = thresholds.copy()
    used = numpy.unique(features)
    gaps = [_Gaps(numpy.unique(thresholds[features == feature]), equal) for feature in used]
    for block in _blocks(parts, used):
        for gap, values in zip(gaps, block, strict=True):
            gap.narrow(values)
    for feature, gap in zip(used, gaps, strict=True):
        own = features == feature
        sections = _sections(gap.known, *gap.ends, equal)
        moved[own] = sections[numpy.searchsorted(gap.known, thresholds[own])]
    return moved


def _blocks(
    parts: Sequence[NDArray[numpy.float32] | FeatureMatrix], used: NDArray[numpy.integer]
) -> Iterator[NDArray[numpy.float32]]:
    """The values of the features that are used, [features, rows]; the parts may be larger than memory."""
    size = max(1, _NUMBERS_AT_ONCE // max(1, len(used)))
    for part in parts:
        for start in range(0, len(part), size):
            yield numpy.ascontiguousarray(part[start : start + size, used].T)


class _Gaps:
    """The gaps around the ascending thresholds of a feature, as far as its values are known."""

    def __init__(self, known: NDArray[numpy.floating], equal: Side) -> None:
        self.known = known
        self._equal = equal
        #: Of each interval between two thresholds, and beyond the outer ones.
        self._largest = numpy.full(len(known) + 1, -numpy.inf)
        self._smallest = numpy.full(len(known) + 1, numpy.inf)

    def narrow(self, values: NDArray[numpy.float32]) -> None:
        """Take more values into account."""
        is_finite = numpy.isfinite(values)
        values = values if is_finite.all() else values[is_finite]
        if len(self.known) > 1:
            side: Literal["left", "right"] = "right" if self._equal == "above" else "left"
            interval = numpy.searchsorted(self.known, values, side=side)
            numpy.maximum.at(self._largest, interval, values)
            numpy.minimum.at(self._smallest, interval, values)
            return
        # One threshold, as every place of a one-hot has, is found ten times as fast.
        below = values < self.known[0] if self._equal == "above" else values <= self.known[0]
        low = numpy.where(below, values, -numpy.inf).max(initial=-numpy.inf)
        high = numpy.where(below, numpy.inf, values).min(initial=numpy.inf)
        self._largest[0], self._smallest[1] = max(self._largest[0], low), min(self._smallest[1], high)

    @property
    def ends(self) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
        """The largest value below and the smallest above each threshold, or infinity."""
        lower = numpy.maximum.accumulate(self._largest)[:-1]
        upper = numpy.minimum.accumulate(self._smallest[::-1])[::-1][1:]
        return lower, upper


def _sections(
    known: NDArray[numpy.floating],
    lower: NDArray[numpy.float64],
    upper: NDArray[numpy.float64],
    equal: Side,
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
