"""What a request for a forecast holds: one history, what is known ahead, and the time it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions, timestamps
from aimass_compiler.catalog.forecast import OWN, STEP
from aimass_compiler.expression.column_types import PastValues, ValuesAhead

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.task import Task

_DATE = len("2026-01-31")


def request_inputs(read: Sequence[Mapping[str, Any]], task: Task) -> list[dict[str, Any]]:
    """The inputs of a request, from those of a row as features.json has them.

    The history is always there, because intervals follow from how it varies. Numbers become one a step.
    """
    forecast = task.forecast
    if forecast is None:
        return [dict(place) for place in read]
    histories = {
        "name": task.target,
        "type": PastValues.name,
        "tensor": task.target,
        "shape": [forecast.length],
    }
    found: list[dict[str, Any]] = [histories]
    for place in read:
        name = place["name"]
        if name in (task.target, STEP):
            continue
        if place["tensor"] == conventions.NUMBERS_TENSOR and name != forecast.ordered_by:
            found.append(
                {"name": name, "type": ValuesAhead.name, "tensor": name, "shape": [forecast.horizon]}
            )
        else:
            index = 0 if name == forecast.ordered_by else place["index"]
            found.append({**place, "index": index})
    return found


def request_rows(rows: polars.DataFrame, inputs: Sequence[Mapping[str, Any]], task: Task) -> polars.DataFrame:
    """One row for each whole horizon of prepared rows, which lie one behind the other, by step."""
    import numpy
    import polars

    from aimass_compiler.expression.plain_name import values_of

    forecast = task.forecast
    if forecast is None:
        return rows
    first = rows.gather_every(forecast.horizon)
    columns = {}
    for place in inputs:
        name = place["name"]
        if place["type"] == ValuesAhead.name:
            ahead = values_of(rows, name).to_numpy().astype(numpy.float32).reshape(-1, forecast.horizon)
            columns[name] = polars.Series(ahead, dtype=polars.Array(polars.Float32, forecast.horizon))
        elif name == forecast.ordered_by:
            columns[name] = polars.Series(_ends(values_of(first, name), values_of(first, f"{OWN}origin")))
        else:
            columns[name] = values_of(first, name)
    return polars.DataFrame(columns)


def by_request(scores: numpy.ndarray, task: Task) -> numpy.ndarray:
    """The scores of prepared rows, those of a forecast side by side for each request, [N, H]."""
    return scores if task.forecast is None else scores.reshape(-1, task.forecast.horizon)


def _ends(written: polars.Series, origins: polars.Series) -> list[str]:
    """When histories end, as dates where the data has dates."""
    are_dates = bool((written.str.len_chars() == _DATE).all())
    return [timestamps.text(origin)[: _DATE if are_dates else None] for origin in origins]
