"""What must be true of the rows before a model is trained on them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.examples import Matrix
from aimass_compiler.catalog.feature_matrix import FeatureMatrix
from aimass_compiler.catalog.loss import ABOVE_ZERO, LOG_LINK
from aimass_compiler.catalog.quantities import shown_bytes
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.capacity import available_memory
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training.trial import Assignment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.model import Model
    from aimass_compiler.catalog.model_choice import ModelChoice

_NUMBERS_AT_ONCE = 4_000_000
#: Of a sparse matrix: its value and place, and what models copy of it (21 to 41 were measured).
_BYTES_AN_ENTRY = 41


def require_installed(model: Model | ModelChoice) -> None:
    """Raise StageFailure when the framework that the model, or one of several, needs is not installed here.

    On a cluster (RAY_ADDRESS) it is needed where the trials run.
    """
    for each in model.candidates:
        framework = each.trained_by
        if framework.is_missing:
            raise StageFailure(
                ExitCode.USAGE,
                f"`{each.kind}` learns with {framework.module}, which is not installed",
                framework.how_to_install,
            )


def require_suitable(assignment: Assignment, names: Sequence[str]) -> None:
    """Raise StageFailure when this model cannot learn from these rows, whose features have these names."""
    for split in ("train", "validation"):
        rows = read_examples(assignment.matrices, split)
        if not len(rows.y):
            raise StageFailure(
                ExitCode.DATA, f"the {split} split has no rows", "give it a larger share in `split`"
            )
        if rows.weights is not None and not rows.weights.any():
            column = f"`{assignment.task.weight}`"
            raise StageFailure(
                ExitCode.DATA,
                f"no row of the {split} split counts: {column} is 0 in all of them",
                f"look at {column} in the source",
            )
        _require_numbers(assignment, split, names)
    _require_classes(assignment)
    _require_sign(assignment)


def require_memory(assignment: Assignment, at_once: int) -> None:
    """Raise StageFailure when so many trainings at once would be killed for want of memory.

    On a cluster (RAY_ADDRESS) they run elsewhere.
    """
    x = read_examples(assignment.matrices, "train").x
    largest = max(assignment.model.candidates, key=lambda model: _bytes_wanted(model, x))
    shape, each = x.shape, _bytes_wanted(largest, x)
    available = available_memory()
    if available is None or os.environ.get("RAY_ADDRESS") or each * at_once <= available:
        return
    features = math.prod(shape[1:])
    told = f"{shape[0]:,} rows of {features:,} features take `{largest.kind}` {shown_bytes(each)}"
    together, fewer = "", ""
    if at_once > 1:
        together = f", and {at_once} trials at once {shown_bytes(each * at_once)}"
        fewer = f"write `search.concurrency: {available // each}`, or " if each <= available else ""
    raise StageFailure(
        ExitCode.TRAINING,
        f"{told}{together}, but {shown_bytes(available)} of memory are available",
        f"{fewer}make the largest `cross`, `hash_text` or `bag_of_words` smaller, train with more memory, or "
        "choose a model that reads rows in batches, such as `mlp`",
    )


def _bytes_wanted(model: Model, x: numpy.ndarray | FeatureMatrix) -> int:
    """How many bytes of memory training takes, as measured."""
    how = model.examples.categorical if isinstance(model.examples, Matrix) else None
    if not isinstance(x, FeatureMatrix) or how == "dense":
        return int(model.bytes_a_number * math.prod(x.shape))
    return _BYTES_AN_ENTRY * x.entries if how == "sparse" else 0


def _require_numbers(assignment: Assignment, split: str, names: Sequence[str]) -> None:
    missing = set[int]()
    x = read_examples(assignment.matrices, split).x
    if isinstance(x, FeatureMatrix):  # a code is never missing or infinite
        names = [names[place] for place in x.layout.number_places]
        x = x.numbers
    for start, rows in _blocks(x):
        flat = rows.reshape(len(rows), -1)
        infinite = numpy.isinf(flat)
        if infinite.any():
            raise _infinite(infinite, start, split, names)
        missing |= set(numpy.flatnonzero(numpy.isnan(flat).any(axis=0)).tolist())
    complete = next((model for model in assignment.model.candidates if not model.takes_missing), None)
    if missing and complete is not None:
        raise StageFailure(
            ExitCode.DATA,
            f"{_named(missing, names)} values are missing in the {split} split, "
            f"which `{complete.kind}` cannot take",
            "fill them with `impute`, or choose a model that takes them, such as `xgboost`",
        )


def _infinite(where: numpy.ndarray, start: int, split: str, names: Sequence[str]) -> StageFailure:
    """What is wrong with a block of rows of which some values, [rows, features], are infinite."""
    row = int(numpy.flatnonzero(where.any(axis=1))[0])
    places = set(numpy.flatnonzero(where[row]).tolist())
    first = names[min(places)] if len(names) > max(places) else None
    hint = (
        f"bound it with `clip: {{columns: {first}, min: …, max: …}}`" if first else "bound them with `clip`"
    )
    return StageFailure(
        ExitCode.DATA,
        f"{f'`{first}`' if first else 'a value'} in row {start + row + 1} of the {split} split is beyond "
        "3.4e38, the largest number that models read (float32)",
        f"{hint}, or look for the row in the source",
    )


def _blocks(values: numpy.ndarray) -> Iterator[tuple[int, numpy.ndarray]]:
    """The number of the first row of each block, from 0, and the block."""
    size = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(values.shape[1:])))
    for start in range(0, len(values), size):
        yield start, values[start : start + size]


def _named(places: set[int], names: Sequence[str]) -> str:
    if len(names) <= max(places):
        return "some"
    first = names[min(places)]
    return f"`{first}`:" if len(places) == 1 else f"`{first}` and {len(places) - 1} more:"


def _require_classes(assignment: Assignment) -> None:
    """A model that never saw a class would not even have a probability for it."""
    task = assignment.task
    if not task.is_classification or not task.has_target:
        return
    y = read_examples(assignment.matrices, "train").y
    counts = [int(task.is_of(number, y).sum()) for number in range(task.outputs)]
    unseen = [f"`{name}`" for name, count in zip(task.classes, counts, strict=True) if not count]
    if unseen:
        raise StageFailure(
            ExitCode.DATA,
            f"the train split has no row of {', '.join(unseen)}",
            "collect more rows, drop the class, or split with `stratify`",
        )


def _require_sign(assignment: Assignment) -> None:
    """A deviance of counts or amounts is not defined for targets below zero, or not even for zero."""
    loss, target = assignment.objective.loss, assignment.task.target
    if loss not in LOG_LINK:
        return
    takes, sign = ("above 0", ">") if loss in ABOVE_ZERO else ("from 0 up", ">=")
    for split in ("train", "validation"):
        y = read_examples(assignment.matrices, split).y
        wrong = y <= 0 if loss in ABOVE_ZERO else y < 0
        if wrong.any():
            row = int(wrong.argmax())
            where = f"row {row + 1} of the {split} split"
            raise StageFailure(
                ExitCode.DATA,
                f"`{target}` is {y[row]:g} in {where}, and `{loss}` takes numbers {takes}",
                f"`keep: {{where: '{target} {sign} 0'}}` drops such rows; or choose another `objective.loss`",
            )
