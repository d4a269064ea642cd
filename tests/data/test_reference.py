"""What inputs and predictions looked like in training, in as many bins as the rows can tell apart."""

from __future__ import annotations

import numpy
import polars
import pytest

from aimass_compiler.drift_methods.psi import stability
from aimass_compiler.runtime.reference import number_reference

#: The index above which something has moved, by its literature and by default.
MOVED = 0.1


@pytest.mark.parametrize("rows", [66, 100, 200, 1000, 10_000])
def test_chance_alone_is_no_drift(rows: int) -> None:
    """Where training and traffic are drawn from the same numbers, hardly any model would be told of drift."""
    chance = numpy.random.default_rng(7)
    found = []
    for _ in range(300):
        reference = number_reference(polars.Series(chance.normal(size=rows)))
        codes = numpy.searchsorted(reference["edges"], chance.normal(size=20_000), side="right")
        counts = numpy.bincount(codes, minlength=len(reference["fractions"]))
        found.append(stability(counts / 20_000, numpy.array(reference["fractions"])))
    assert numpy.quantile(found, 0.9) < MOVED


def test_ten_bins_are_kept_where_there_are_rows_enough() -> None:
    assert len(number_reference(polars.Series(numpy.arange(200.0)))["edges"]) == 9
    assert len(number_reference(polars.Series(numpy.arange(10.0)))["edges"]) == 1
