"""What must be true of the rows before a model is trained on them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.model import Model
from aimass_compiler.runtime.capacity import available_memory, shown_bytes
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.training.fitting import Assignment

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS_AT_ONCE = 4_000_000


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


def require_memory(assignment: Assignment, at_once: int) -> None:
    """Raise StageFailure when so many trainings at once would be killed for want of memory.

    On a cluster (RAY_ADDRESS) they run elsewhere.
    """
    shape = read_examples(assignment.matrices, "train").x.shape
    each = int(assignment.model.bytes_a_number * math.prod(shape))
    available = available_memory()
    if available is None or os.environ.get("RAY_ADDRESS") or each * at_once <= available:
        return
    features = math.prod(shape[1:])
    told = f"{shape[0]:,} rows of {features:,} features take `{assignment.model.kind}` {shown_bytes(each)}"
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


def _require_numbers(assignment: Assignment, split: str, names: Sequence[str]) -> None:
    missing = set[int]()
    for start, rows in _blocks(read_examples(assignment.matrices, split).x):
        flat = rows.reshape(len(rows), -1)
        infinite = numpy.isinf(flat)
        if infinite.any():
            raise _infinite(infinite, start, split, names)
        missing |= set(numpy.flatnonzero(numpy.isnan(flat).any(axis=0)).tolist())
    if missing and not assignment.model.accepts_missing:
        raise StageFailure(
            ExitCode.DATA,
            f"{_named(missing, names)} values are missing in the {split} split, "
            f"which `{assignment.model.kind}` cannot take",
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
