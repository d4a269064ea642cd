"""What must be true of the rows before a model is trained on them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.model import Model
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.training.fitting import Assignment

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_AT_ONCE = 65_536


def require_installed(model: Model) -> None:
    """Raise StageFailure when the framework that this model learns with is not installed here.

    On a cluster (RAY_ADDRESS) it is needed where the trials run.
    """
    is_there = model.requires == Model.requires or find_spec(model.requires) is not None
    if not is_there and not os.environ.get("RAY_ADDRESS"):
        raise StageFailure(
            ExitCode.USAGE,
            f"`{model.kind}` learns with {model.requires}, which is not installed",
            f"`pip install 'aimass-compiler[{model.requires}]'` brings it",
        )


def require_suitable(assignment: Assignment, names: Sequence[str]) -> None:
    """Raise StageFailure when this model cannot learn from these rows, whose features have these names."""
    for split in ("train", "validation"):
        if not len(read_examples(assignment.matrices, split).y):
            raise StageFailure(
                ExitCode.DATA, f"the {split} split has no rows", "give it a larger share in `split`"
            )
        _require_numbers(assignment, split, names)
    _require_classes(assignment)


def _require_numbers(assignment: Assignment, split: str, names: Sequence[str]) -> None:
    missing, infinite = set[int](), set[int]()
    for rows in _blocks(read_examples(assignment.matrices, split).x):
        flat = rows.reshape(len(rows), -1)
        missing |= set(numpy.flatnonzero(numpy.isnan(flat).any(axis=0)).tolist())
        infinite |= set(numpy.flatnonzero(numpy.isinf(flat).any(axis=0)).tolist())
    if missing and not assignment.model.accepts_missing:
        raise StageFailure(
            ExitCode.DATA,
            f"{_named(missing, names)} values are missing in the {split} split, "
            f"which `{assignment.model.kind}` cannot take",
            "fill them with `impute`, or choose a model that takes them, such as `xgboost`",
        )
    if infinite:
        raise StageFailure(
            ExitCode.DATA,
            f"{_named(infinite, names)} values are infinite in the {split} split",
            "bound them with `clip`",
        )


def _blocks(values: numpy.ndarray) -> Iterator[numpy.ndarray]:
    for start in range(0, len(values), _ROWS_AT_ONCE):
        yield values[start : start + _ROWS_AT_ONCE]


def _named(places: set[int], names: Sequence[str]) -> str:
    if len(names) <= max(places):
        return "some"
    first = names[min(places)]
    return f"`{first}`:" if len(places) == 1 else f"`{first}` and {len(places) - 1} more:"


def _require_classes(assignment: Assignment) -> None:
    """A model that never saw a class would not even have a probability for it."""
    task = assignment.task
    if not task.is_classification:
        return
    counts = numpy.bincount(read_examples(assignment.matrices, "train").y, minlength=task.outputs)
    unseen = [f"`{name}`" for name, count in zip(task.classes, counts, strict=True) if not count]
    if unseen:
        raise StageFailure(
            ExitCode.DATA,
            f"the train split has no row of {', '.join(unseen)}",
            "collect more rows, drop the class, or split with `stratify`",
        )
