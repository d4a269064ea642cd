"""The background of explanations: rows of the test split that a prediction is compared with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.packaging.rows import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.serving import Explanations

#: Rows that the model predicts for one explanation, two for each background row and column.
_MOST_PREDICTED = 8_192
_FEWEST = 8
#: Values that reference.json has of them: images are long.
_MOST_VALUES = 200_000
_SEED = 0


def background_of(
    wanted: Explanations | None,
    rows: polars.DataFrame,
    inputs: Sequence[Mapping[str, Any]],
    task: Task,
    made_of: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What reference.json has for explanations, the same every time; nothing where none are wanted.

    `of` is the class that is explained: the positive one of two, or null for the label's. `made_of`, of
    features.json, says of which columns the features are made.
    """
    if wanted is None:
        return {}
    if task.forecast is not None:
        message = f"`{task.target}` is forecast, and answers of a forecast are not explained"
        raise StageFailure(ExitCode.USAGE, message, "remove `serving.explanations`")
    affordable = max(_FEWEST, _MOST_PREDICTED // (2 * max(1, len(inputs))))
    width = sum(math.prod(column.get("shape", ())) for column in inputs)
    count = min(wanted.background, affordable, max(1, _MOST_VALUES // max(1, width)), rows.height)
    chosen = numpy.sort(numpy.random.default_rng(_SEED).choice(rows.height, count, replace=False))
    of = task.positive if task.is_classification and task.is_binary else None
    known = {"of": of, "scale": wanted.scale, "features": made_of}
    return {"background": {**known, "rows": as_json(rows[chosen.tolist()], inputs)}}
