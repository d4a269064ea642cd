"""How near two computations of the same predictions must be: in units of what makes predictions differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.task import Task

#: The share of a number's size below which nothing is told apart: some rounded doubles, added up.
_RESOLUTION = 1e-9


def unit_of(task: Task, truth: NDArray[Any], scores: NDArray[Any]) -> float:
    """What a difference of two predictions is measured in: 1 for probabilities, else the range of the target.

    Of 1,700,000,000, a hundred thousandth is 17,000, which is nothing to be near to where the
    targets lie 500 apart. `truth` [N] and `scores` [N] are finite numbers.
    """
    if task.is_classification:
        return 1.0
    both = numpy.concatenate([numpy.ravel(truth), numpy.ravel(scores)]).astype(numpy.float64)
    low, high = float(both.min()), float(both.max())
    return max(high - low, _RESOLUTION * max(abs(low), abs(high))) or 1.0
