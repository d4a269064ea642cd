"""Golden rows: a few of the test split with the answers that the server must give before it is ready."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import conventions
from aimass_compiler.expression.plain_name import named
from aimass_compiler.runtime.packaging.rows import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.task import Task, Thresholds

#: Enough to tell every class of most models; each is a row of real data in the image.
_MOST_ROWS = 6
#: Pictures are long: from the second row on, only what fits.
_MOST_BYTES = 200_000


def golden_rows(
    rows: polars.DataFrame,
    inputs: Sequence[Mapping[str, Any]],
    served: NDArray[numpy.float32],
    task: Task,
    threshold: Thresholds | None = None,
    radius: float | None = None,
) -> dict[str, Any]:
    """Rows that answers tell apart, with what `served` has for them, in the form of /predict."""
    chosen: list[dict[str, Any]] = []
    places: list[int] = []
    size = 0
    for place in dict.fromkeys(
        _telling(task, rows, inputs, served, _decided_otherwise(served, task, threshold))
    ):
        (row,) = as_json(rows.slice(place, 1), inputs)
        size += len(json.dumps(row))
        if chosen and (size > _MOST_BYTES or len(chosen) == _MOST_ROWS):
            break
        chosen.append(row)
        places.append(place)
    predictions = [_prediction(served[place], task, threshold, radius) for place in places]
    return {"format": conventions.GOLDEN_FORMAT, "rows": chosen, "predictions": predictions}


def _telling(
    task: Task,
    rows: polars.DataFrame,
    inputs: Sequence[Mapping[str, Any]],
    served: NDArray[numpy.float32],
    decided_otherwise: Sequence[int],
) -> Iterator[int]:
    """Places of rows: the surest of each class, or the least and the largest; then one with gaps.

    Between them is one whose label only the threshold explains.
    """
    if task.forecast is not None:
        yield from (int(served.mean(axis=1).argmax()), int(served.mean(axis=1).argmin()))
    elif served.ndim == 1:
        yield from (int(served.argmax()), int(served.argmin()))
    else:
        yield from map(int, served.argmax(axis=0))
        yield from decided_otherwise
    names = [column["name"] for column in inputs]
    missing = rows.select(polars.sum_horizontal(named(name).is_null() for name in names)).to_series()
    yield from (missing.arg_max() or 0, missing.arg_min() or 0)


def _decided_otherwise(
    served: NDArray[numpy.float32], task: Task, threshold: Thresholds | None
) -> Sequence[int]:
    """The row, if there is one, that is not given its likeliest class, and is the farthest from either."""
    if not isinstance(threshold, float):
        return ()
    (places,) = (task.decided(served) != task.decided(served, threshold)).nonzero()
    middle = (threshold + 0.5) / 2
    chances = served[places, task.judged[0]]
    return [int(places[abs(chances - middle).argmin()])] if len(places) else ()


def _prediction(
    scores: NDArray[numpy.float32], task: Task, threshold: Thresholds | None, radius: float | None
) -> dict[str, Any]:
    """The answer in as many digits as float32 needs; of a forecast without its intervals, which follow."""
    if task.forecast is not None:
        return {"prediction": scores.tolist()}
    if not task.is_classification:
        number = float(str(scores))
        ends = {} if radius is None else {"lower": number - radius, "upper": number + radius}
        return {"prediction": number, **ends}
    shares = {label: float(str(share)) for label, share in zip(task.classes, scores, strict=True)}
    (label,) = task.decided(scores[None], threshold)
    if task.is_multilabel:
        given = [name for name, is_given in zip(task.classes, label, strict=True) if is_given]
        return {"labels": given, "probabilities": shares}
    return {"label": task.classes[label], "probabilities": shares}
