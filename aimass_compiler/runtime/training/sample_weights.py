"""What training counts more, or sees more often: weights of rows and classes, and rows that are sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
from msgspec.structs import replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.training import ClassWeights, Sampling, Training


def emphasized(
    task: Task, training: Training, train: Examples, validation: Examples
) -> tuple[Examples, Examples]:
    """The rows as a model learns from them and watches them.

    Of `validation` no row is left out or repeated, but its loss, which ends training early, weighs classes
    as that of `train` does. Metrics are of the rows as they were read.
    """
    if training.sampling is not None:
        train = train.at(sampled(train.y, task.outputs, training.sampling, training.seed))
    if training.class_weights is not None:
        classes = class_weights(training.class_weights, task, train)
        train, validation = (_weighed(part, classes) for part in (train, validation))
    if train.weights is None:
        return train, validation
    unit = train.weights.mean()
    return (
        replace(train, weights=train.weights / unit),
        validation if validation.weights is None else replace(validation, weights=validation.weights / unit),
    )


def class_weights(wanted: ClassWeights, task: Task, train: Examples) -> NDArray[numpy.float64]:
    """The weight of a row of each class, [K]; balanced, each class weighs the same over all its rows."""
    if wanted != "balanced":
        return numpy.array([float(wanted.get(name, 1.0)) for name in task.classes])
    totals = numpy.bincount(train.y, weights=train.weights, minlength=task.outputs)
    return numpy.where(totals > 0, totals.sum() / (task.outputs * numpy.maximum(totals, 1e-300)), 1.0)


def _weighed(rows: Examples, classes: NDArray[numpy.float64]) -> Examples:
    weights = classes[numpy.asarray(rows.y)]
    return replace(rows, weights=weights if rows.weights is None else weights * rows.weights)


def sampled(y: NDArray[numpy.integer], outputs: int, sampling: Sampling, seed: int) -> NDArray[numpy.int64]:
    """The places of the rows that training sees, ascending; `over` repeats some, `under` leaves some out."""
    chance = numpy.random.default_rng(seed)
    places = [numpy.flatnonzero(numpy.asarray(y) == number) for number in range(outputs)]
    counts = [len(own) for own in places if len(own)]
    chosen = []
    for own in places:
        if sampling.over is not None:
            lacking = max(0, round(sampling.over * max(counts)) - len(own)) if len(own) else 0
            # Each row as often as any other, give or take one.
            extra = [chance.permutation(own) for _ in range(-(-lacking // max(1, len(own))))]
            chosen += [own, *([numpy.concatenate(extra)[:lacking]] if extra else [])]
        else:
            most = round(min(counts) / (sampling.under or 1.0))
            chosen.append(own if len(own) <= most else chance.choice(own, most, replace=False))
    return numpy.sort(numpy.concatenate(chosen))
