"""Parity: what is served answers as what was trained and evaluated, score by score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task

#: The largest difference of two scores, in their unit.
_TOLERANCE = 1e-5
#: The share of a number's size below which two numbers count as equal: some rounded doubles, added up.
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


def require_same_export(
    kind: str, task: Task, truth: NDArray[Any], trained: NDArray[Any], exported: NDArray[Any]
) -> None:
    """Raise StageFailure when a model's artifact answers otherwise than the model that was trained."""
    is_alike = exported.shape == trained.shape
    difference = float(numpy.abs(exported - trained).max()) if is_alike else numpy.inf
    if not difference <= _TOLERANCE * unit_of(task, truth, trained):
        raise StageFailure(
            ExitCode.TRAINING,
            f"the exported `{kind}` differs from the trained one by {difference:.2g}",
            "this is a defect of the export: please report it with the spec",
        )


def require_same_package(
    what: str, task: Task, served: NDArray[numpy.floating], evaluated: polars.DataFrame
) -> None:
    """Raise StageFailure when the package answers a row otherwise than was evaluated."""
    expected = evaluated["scores"].explode().to_numpy().reshape(served.shape)
    unit = unit_of(task, evaluated["truth"].to_numpy(), expected)
    close = numpy.isclose(served, expected, rtol=0, atol=_TOLERANCE * unit)
    wrong = ~close.reshape(len(close), -1).all(axis=1)
    if wrong.any():
        apart = float(numpy.abs(served - expected).max())
        raise StageFailure(
            ExitCode.FAILED,
            f"{what} answers {int(wrong.sum()):,} of {len(served):,} test rows otherwise "
            f"than was evaluated, first row {int(wrong.argmax())}, by up to {apart:.2g}",
            "run the stages again from `features`; if it stays, please report it with the spec",
        )
