"""The order in which values come: numbers that count the rows, and moments that follow each other."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.starter.observing import Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.starter.observing import Observation

_FEWEST = 20
#: A running number may leave some out: sorted, it takes one of ten; in any order, five of six.
_SPARSEST_SORTED = 10
_SPARSEST_SHUFFLED = 1.2


def is_running(observation: Observation, rows: int) -> bool:
    """Whether the values number the rows, in their order or shuffled: whole, unique, and close together.

    It tells nothing about a row but its place: a model learns from it how the file was put together.
    """
    known = observation.known
    if known != rows or known < _FEWEST or observation.found != {Sort.NUMBER}:
        return False
    values = [float(value) for value in observation.values]
    is_unique = len(values) == known or not observation.is_complete
    if not is_unique or max(observation.values.values()) > 1 or not all(map(float.is_integer, values)):
        return False
    span = observation.largest - observation.smallest + 1
    return span <= _SPARSEST_SHUFFLED * known or (span <= _SPARSEST_SORTED * known and _is_sorted(values))


def follows_time(observation: Observation) -> bool:
    """Whether moments come in the order of the rows, earliest or latest first."""
    import polars

    from aimass_compiler.catalog.moments import microseconds

    if observation.found != {Sort.TIME} or observation.distinct < _FEWEST:
        return False
    moments = microseconds(polars.Series([str(value) for value in observation.values]))
    return moments.null_count() == 0 and _is_sorted(moments.to_list())


def _is_sorted(values: Sequence[float]) -> bool:
    """Whether each value lies above the one before, or each below; NaN is neither."""
    steps = [later - earlier for earlier, later in pairwise(values)]
    return not any(map(math.isnan, steps)) and (
        all(step > 0 for step in steps) or all(step < 0 for step in steps)
    )
