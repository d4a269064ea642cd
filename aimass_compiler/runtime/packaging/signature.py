"""The signature: what a package accepts and answers, as the server and its callers read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import conventions, record_names
from aimass_compiler.expression.plain_name import named
from aimass_compiler.pipeline.columns import (
    CategoryColumn,
    FutureColumn,
    HistoryColumn,
    IdColumn,
    NumberColumn,
)
from aimass_compiler.runtime.packaging.rows import as_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from aimass_compiler.catalog.task import Task, Thresholds
    from aimass_compiler.pipeline.columns import Column


def contract_of(
    task: Task,
    columns: Mapping[str, Column],
    read: Sequence[Mapping[str, Any]],
    collected: Mapping[str, Any],
    rows: polars.DataFrame,
    threshold: Thresholds | None = None,
) -> dict[str, Any]:
    """What may be asked and what is answered; with a threshold, how the label follows.

    `read` is what features.json has as `inputs`, `collected` what prepare reported of the data. What the data
    has beside the inputs, its target among them, is ignored: a row of the data is a row that may be asked.
    """
    names = {place["name"] for place in read}
    inputs = [{**place, **_contract(columns[place["name"]], place["name"], collected)} for place in read]
    return {
        "task": task.served_as,
        "inputs": inputs,
        "ignored": [name for name in (*columns, *collected["undeclared"]) if name not in names],
        **_keys(columns, names),
        "outputs": _outputs(task),
        **({} if task.forecast is None else {"interval": task.forecast.interval}),
        **_decision(task, threshold),
        "example": _example(rows, inputs),
    }


def _keys(columns: Mapping[str, Column], read: Collection[str]) -> dict[str, Any]:
    """The ids by which the records of a person are found, to be erased; nothing where there are none."""
    personal = (name for name, column in columns.items() if column.pii == record_names.HASHED)
    found = [name for name in personal if name not in read and isinstance(columns[name], IdColumn)]
    return {"keys": found} if found else {}


def _decision(task: Task, threshold: Thresholds | None) -> dict[str, Any]:
    """How the label, or each of several, follows from probabilities; nothing for the likeliest class."""
    if task.is_multilabel:
        return {"decision": {"threshold": list(task.thresholds(threshold))}}
    return {} if threshold is None else {"decision": {"positive": task.positive, "threshold": threshold}}


def _written(column: Column, name: str, collected: Mapping[str, Any]) -> dict[str, Any]:
    """How the data wrote a column, where that is not what its type says, and what was missing there."""
    usual = column.holds.usually_written
    written, marks = (collected[key].get(name) for key in ("written", "marks"))
    found = {} if written is None or written in usual else {"written": written}
    return found | ({"marks": marks} if marks else {})


def _contract(column: Column, name: str, collected: Mapping[str, Any]) -> dict[str, Any]:
    contract: dict[str, Any] = {"nullable": column.is_nullable}
    if column.pii is not None:
        contract["pii"] = column.pii
    if isinstance(column, NumberColumn | FutureColumn):
        contract |= {"min": column.min, "max": column.max, "unit": column.unit}
    if isinstance(column, HistoryColumn):
        contract["unit"] = column.unit
    if isinstance(column, CategoryColumn):
        contract["values"] = None if column.values is None else list(column.values)
    return contract | _written(column, name, collected)


def _outputs(task: Task) -> list[dict[str, Any]]:
    """The tensors that the model answers, in the data types of the Open Inference Protocol."""
    if task.forecast is not None:
        shape = [-1, task.forecast.horizon]
        return [{"name": name, "datatype": "FP64", "shape": shape} for name in conventions.FORECAST_OUTPUTS]
    if not task.is_classification:
        return [{"name": conventions.PREDICTION_OUTPUT, "datatype": "FP64", "shape": [-1]}]
    labels = list(task.classes)
    shape = [-1, len(labels)]
    given: dict[str, Any] = {"name": conventions.LABEL_OUTPUT, "datatype": "BYTES", "shape": [-1]}
    if task.is_multilabel:
        given = {"name": conventions.LABELS_OUTPUT, "datatype": "BOOL", "shape": shape}
    name = conventions.PROBABILITIES_OUTPUT
    return [{"name": name, "datatype": "FP32", "shape": shape, "labels": labels}, given]


def with_intervals(
    outputs: Sequence[Mapping[str, Any]], intervals: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a signature has of prediction intervals: two more outputs, and what they promise."""
    if intervals is None:
        return {}
    ends = (conventions.LOWER_OUTPUT, conventions.UPPER_OUTPUT)
    added = [{"name": name, "datatype": "FP64", "shape": [-1]} for name in ends]
    return {"outputs": [*outputs, *added], "interval": intervals["coverage"]}


def _example(rows: polars.DataFrame, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first row in which the fewest values are missing, as JSON; a picture is nested lists."""
    read = [column["name"] for column in inputs]
    missing = rows.select(polars.sum_horizontal(named(name).is_null() for name in read)).to_series()
    return as_json(rows.slice(missing.arg_min() or 0, 1), inputs)[0]
