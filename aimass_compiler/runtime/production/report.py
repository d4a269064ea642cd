"""What is known of a model in production, as production.json has it: metrics, slices and gates by version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import record_names
from aimass_compiler.runtime.evaluation.confidence import interval
from aimass_compiler.runtime.evaluation.gates import bounds_of
from aimass_compiler.runtime.evaluation.measures import SMALLEST_SLICE, finite, rows_by_value
from aimass_compiler.runtime.production.estimate import estimates
from aimass_compiler.runtime.production.judged_rows import JudgedRows, joined, share_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from aimass_compiler.catalog.metric import Metric
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Evaluation, Gate
    from aimass_compiler.pipeline.monitoring import Labels

_SAMPLES = 200
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class EvaluationCriteria:
    """What rows are held to: the same task, metrics and gates as before the release."""

    task: Task
    metrics: Mapping[str, Metric]
    evaluation: Evaluation
    columns: Mapping[str, Column]


def report(
    table: polars.DataFrame,
    truth: polars.DataFrame,
    labels: Labels,
    standard: EvaluationCriteria,
    now: datetime,
) -> dict[str, Any]:
    """All of it; the numbers on top are those of the version that answered last."""
    known, unknown = joined(table, truth)
    newest = str(table.sort("time")["version"][-1])
    versions = {
        version: _of_version(known.filter(polars.col("version") == version), standard)
        for version in table.sort("time")["version"].unique(maintain_order=True)
    }
    own = known.filter(polars.col("version") == newest)
    rows, open_rows = (
        JudgedRows.of(each.filter(polars.col("version") == newest), standard.task)
        for each in (known, unknown)
    )
    return {
        "format": record_names.PRODUCTION_FORMAT,
        "measured_at": now.isoformat(),
        "records": table.height,
        "labelled": known.height,
        "coverage": share_known(known, unknown, now - timedelta(seconds=labels.delay.seconds)),
        "version": newest,
        "metrics": versions[newest]["metrics"],
        "slices": _slices(rows, standard),
        "gates": [*_gates(rows, standard)] if own.height >= SMALLEST_SLICE else [],
        "estimated": {
            "rows": len(open_rows),
            "metrics": estimates(open_rows, rows, standard.metrics, standard.task),
        },
        "versions": versions,
    }


def _of_version(known: polars.DataFrame, standard: EvaluationCriteria) -> dict[str, Any]:
    """The metrics of a version, of all its rows and week by week."""
    windows = []
    if known.height:
        first, last = known["time"].min(), known["time"].max()
        while first <= last:  # type: ignore[operator]  # times
            week = known.filter((polars.col("time") >= first) & (polars.col("time") < first + _WEEK))  # type: ignore[operator]  # times
            if week.height:
                measured = _measured(JudgedRows.of(week, standard.task), standard)
                windows.append({"since": first.isoformat(), "labelled": week.height, "metrics": measured})  # type: ignore[union-attr]  # times
            first += _WEEK  # type: ignore[operator]  # times
    measured = _measured(JudgedRows.of(known, standard.task), standard)
    return {"labelled": known.height, "metrics": measured, "windows": windows}


def _measured(rows: JudgedRows, standard: EvaluationCriteria) -> dict[str, float | None]:
    """Each metric, or None where it is not defined or there are too few rows."""
    if len(rows) < SMALLEST_SLICE:
        return dict.fromkeys(standard.metrics)
    return {name: finite(rows.measured(metric, standard.task)) for name, metric in standard.metrics.items()}


def _slices(rows: JudgedRows, standard: EvaluationCriteria) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in standard.evaluation.slices:
        inputs = _input(rows, name)
        if inputs is None:
            continue
        by_value = rows_by_value(inputs, name, standard.columns[name])
        found[name] = {
            value: {"rows": int(inside.sum()), **_measured(rows.at(inside), standard)}
            for value, inside in by_value.items()
        }
    return found


def _input(rows: JudgedRows, name: str) -> polars.DataFrame | None:
    """A column as records have it; None where they do not."""
    recorded = f"input_{name}"
    if recorded not in rows.table.columns:
        return None
    return rows.table.select(polars.col(recorded).alias(name))


def _gates(rows: JudgedRows, standard: EvaluationCriteria) -> Iterator[dict[str, Any]]:
    """The bounds of gates on the test split, held against production."""
    for gate in standard.evaluation.gates:
        if gate.split != "test" or (gate.min is None and gate.max is None):
            continue
        if gate.slice is None:
            yield from _judged(gate, rows, standard, None)
            continue
        ((name, wanted),) = gate.slice.items()
        inputs = _input(rows, name)
        by_value = {} if inputs is None else rows_by_value(inputs, name, standard.columns[name])
        for value, inside in by_value.items():
            if wanted in (None, value) and int(inside.sum()) >= SMALLEST_SLICE:
                yield from _judged(gate, rows.at(inside), standard, {name: value})


def _judged(
    gate: Gate, rows: JudgedRows, standard: EvaluationCriteria, part: dict[str, str] | None
) -> Iterator[dict[str, Any]]:
    """A gate is surely missed where the whole 95 % interval is beyond its bound."""
    metric, task = standard.metrics[gate.metric], standard.task
    value = finite(rows.measured(metric, task))
    low = high = None
    if value is not None and not metric.compares_all_rows:
        low, high = interval(lambda some: rows.at(some).measured(metric, task), len(rows), _SAMPLES)
    ends = [bounds_of(gate, each) for each in (value, low, high)]
    for (condition, passed), (_, at_low), (_, at_high) in zip(*ends, strict=True):
        is_sure = low is not None and not at_low and not at_high
        yield {
            "metric": gate.metric,
            "condition": condition,
            "value": value,
            "low": low,
            "high": high,
            "passed": passed or value is None,
            "surely_missed": is_sure,
            **({"slice": part} if part else {}),
        }
