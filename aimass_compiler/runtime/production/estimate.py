"""What metrics will be once the truth is known, as far as probabilities tell: confidence-based estimates.

If probabilities are calibrated, the truth of a row is a draw by them. So metrics are measured on draws; their
mean is the estimate, and their spread how far chance alone may lead. Where calibration is off, the estimate
is off as well: the same on rows whose truth is known says by how much.

Source: the idea of CBPE, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.production.judged_rows import JudgedRows

_DRAWS = 100
#: More rows make no estimate better that is off by calibration.
_MOST_ROWS = 20_000
_SEED = 0
#: Of a normal distribution, for 95 %.
_WIDTH = 1.96


def estimates(
    rows: JudgedRows, known: JudgedRows, metrics: Mapping[str, Metric], task: Task
) -> dict[str, dict[str, float]]:
    """Each metric of rows without a truth: `value`, between `low` and `high`, and its `error` where known.

    `error` is how far the same estimate is from what was measured, on the rows whose truth is known.
    """
    if not task.is_classification or not len(rows):
        return {}
    found = {}
    for name, metric in metrics.items():
        estimate = _estimate(rows, metric, task)
        if estimate is None:
            continue
        value, spread = estimate
        found[name] = {"value": value, "low": value - _WIDTH * spread, "high": value + _WIDTH * spread}
        checked = _estimate(known, metric, task) if len(known) else None
        measured = known.measured(metric, task) if checked else math.nan
        if checked is not None and math.isfinite(measured):
            found[name]["error"] = checked[0] - measured
    return found


def _estimate(rows: JudgedRows, metric: Metric, task: Task) -> tuple[float, float] | None:
    """Mean and standard deviation over draws; None where a metric is defined for none."""
    random = numpy.random.default_rng(_SEED)
    if len(rows) > _MOST_ROWS:
        rows = rows.at(numpy.sort(random.choice(len(rows), _MOST_ROWS, replace=False)))
    ends = numpy.cumsum(rows.scores, axis=1)
    values = [rows.believed(_drawn(ends, random)).measured(metric, task) for _ in range(_DRAWS)]
    finite = [value for value in values if math.isfinite(value)]
    return (float(numpy.mean(finite)), float(numpy.std(finite))) if finite else None


def _drawn(ends: Any, random: numpy.random.Generator) -> Any:
    """A class of each row, by its probabilities."""
    chance = random.random((len(ends), 1)) * ends[:, -1:]
    return (chance > ends).sum(axis=1)
