"""What the search of a pipeline tries: the parameters that are ranges, and how many trials run at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import KEY, ModelChoice
from aimass_compiler.catalog.quantities import Frozen, is_range
from aimass_compiler.diagnostics import Path
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import Training


def ranges(model: Model | ModelChoice, training: Training) -> dict[Path, Any]:
    """The ranges of the model and, where it learns in epochs, of the optimizer, by their places.

    Of a choice of models, those of each.
    """
    if isinstance(model, ModelChoice):
        return {
            (path[0], KEY, place, *path[1:]) if path[0] == "model" else path: found
            for place, candidate in enumerate(model.one_of)
            for path, found in ranges(candidate, training).items()
        }
    found = dict(_in(model, ("model", model.kind)))
    if model.learns_in_epochs:
        found |= _in(training.optimizer, ("training", "optimizer", training.optimizer.kind))
    return found


def is_searched(model: Model | ModelChoice, training: Training) -> bool:
    """Whether there is anything to try: a range, or a choice of models."""
    return isinstance(model, ModelChoice) or bool(ranges(model, training))


def at_once(pipeline: Pipeline) -> int:
    """How many trials run side by side: one where there is nothing to search."""
    search = pipeline.search
    return min(search.concurrency, search.trials) if is_searched(pipeline.model, pipeline.training) else 1


def workers(pipeline: Pipeline, training: Training) -> tuple[int, int]:
    """How many workers all trials that run side by side have, at least and at most."""
    trials = at_once(pipeline)
    least, most = training.worker_range
    return trials * least, trials * most


def _in(kind: Frozen, path: Path) -> Iterator[tuple[Path, Any]]:
    for name in type(kind).model_fields:
        value = getattr(kind, name)
        if is_range(value):
            yield (*path, name), value
        elif isinstance(value, Kind):
            yield from _in(value, (*path, name, value.kind))
        elif isinstance(value, Frozen):
            yield from _in(value, (*path, name))
        elif isinstance(value, Mapping):
            yield from (((*path, name, key), part) for key, part in value.items() if is_range(part))
