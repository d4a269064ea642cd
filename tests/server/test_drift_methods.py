"""Every way to measure drift: what it says of the same, of little and of much, and what limits stand for."""

from __future__ import annotations

import math

import numpy
import polars
import pytest

from aimass_compiler import drift_methods
from aimass_compiler.drift_methods import DriftMethod
from aimass_compiler.runtime.reference import number_reference
from aimass_compiler.runtime.server.drift import _NumberBins

_METHODS = [pytest.param(each, id=each.name) for each in drift_methods.methods()]
_RANDOM = numpy.random.default_rng(11)
_TRAINED = _RANDOM.normal(size=100_000)
_BINS = _NumberBins(number_reference(polars.Series(_TRAINED)))


def distance(method: DriftMethod, values: numpy.ndarray) -> float:
    shares = numpy.bincount(_BINS.codes(values), minlength=len(_BINS.expected)) / len(values)
    return method.distance(shares, _BINS.expected, is_ordered=True)


@pytest.mark.parametrize("method", _METHODS)
def test_limits_are_where_a_normal_distribution_has_moved_a_third_and_a_half(method: DriftMethod) -> None:
    """A shift of d standard deviations has an index of d squared, so its limits are at 0.32 and 0.5."""
    little, much = (distance(method, _TRAINED + shift) for shift in (math.sqrt(0.1), 0.5))
    assert little == pytest.approx(method.warn, rel=0.12)
    assert much == pytest.approx(method.page, rel=0.12)


@pytest.mark.parametrize("method", _METHODS)
def test_chance_seldom_exceeds_what_is_said_of_it(method: DriftMethod) -> None:
    found = [distance(method, _RANDOM.normal(size=500)) for _ in range(400)]
    assert numpy.mean(numpy.array(found) > method.chance(500)) < 0.09
    assert numpy.quantile(found, 0.95) > method.chance(500) * 0.7
    assert method.chance(math.ceil(method.rows_for(0.1))) == pytest.approx(0.1, rel=0.02)


def test_the_distance_between_bins_is_below_that_of_the_rows_by_at_most_a_bin() -> None:
    method = drift_methods.method("ks")
    for values in (_TRAINED + 0.3, _TRAINED * 2, numpy.where(_TRAINED > 1.3, 1.3, _TRAINED)):
        both = numpy.sort(numpy.concatenate([_TRAINED, values]))
        ends = [numpy.searchsorted(numpy.sort(each), both, side="right") for each in (_TRAINED, values)]
        exact = numpy.abs(ends[0] / len(_TRAINED) - ends[1] / len(values)).max()
        assert exact - _BINS.expected.max() <= distance(method, values) <= exact + 1e-9


def test_categories_have_no_order() -> None:
    trained, recent = numpy.array([0.5, 0.3, 0.2, 0.0]), numpy.array([0.2, 0.3, 0.4, 0.1])
    for method in drift_methods.methods():
        order = [2, 0, 3, 1]
        one = method.distance(recent, trained, is_ordered=False)
        assert method.distance(recent[order], trained[order], is_ordered=False) == pytest.approx(one)
        assert method.distance(trained, trained, is_ordered=False) == 0
    assert drift_methods.method("ks").distance(recent, trained, is_ordered=False) == pytest.approx(0.3)
    apart = numpy.array([1.0, 0.0]), numpy.array([0.0, 1.0])
    assert drift_methods.method("js").distance(*apart, is_ordered=False) == pytest.approx(1)
