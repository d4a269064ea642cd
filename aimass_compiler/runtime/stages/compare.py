"""A candidate beside what is released: every metric and slice on the newest rows, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.model import model_named
from aimass_compiler.runtime.evaluation.comparison import NoReleasedBaseline, compare
from aimass_compiler.runtime.evaluation.measures import (
    SMALLEST_SLICE,
    Measurements,
    metrics_of,
    rows_by_value,
)
from aimass_compiler.runtime.evaluation.released_model import Incomparable, Released, released
from aimass_compiler.runtime.stages.evaluate import predicted
from aimass_compiler.runtime.workspace import read_json, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Evaluation
    from aimass_compiler.pipeline.training import Objective
    from aimass_compiler.runtime.evaluation.comparison import BaselineComparison
    from aimass_compiler.runtime.evaluation.predictions import Predictions
    from aimass_compiler.runtime.workspace import Workspace

_SPLIT = "test"


def run(
    task: Task,
    columns: Mapping[str, Column],
    evaluation: Evaluation,
    objective: Objective,
    *,
    workspace: Workspace,
) -> None:
    """Write the comparison, or why there is none."""
    best = read_json(workspace.path(artifacts.BEST))
    artifact, task = model_named(best["model"]).artifact, task.naming(best.get("classes", task.classes))
    predictions, _ = predicted(artifact, task, evaluation.decision, workspace)
    measurements = Measurements.of(task, metrics_of(evaluation, objective), predictions)
    found = released("", artifact, workspace)
    report: dict[str, Any] = {"metric": objective.metric, "split": _SPLIT}
    if isinstance(found, NoReleasedBaseline):
        report["obstacle"] = found.reason
    else:
        report |= {"version": found.version, "environment": found.environment}
        report |= _against(found, measurements, columns, evaluation.slices, objective.metric)
    write_json(workspace.path(artifacts.COMPARISON), report)
    for line in _lines(report):
        print(line)


def _against(
    found: Released,
    measurements: Measurements,
    columns: Mapping[str, Column],
    slices: Sequence[str],
    metric: str,
) -> dict[str, Any]:
    new = measurements.predictions[_SPLIT]
    try:
        old = found.predict(measurements.task, columns, _SPLIT, new)
    except Incomparable as obstacle:
        return {"obstacle": f"{obstacle}"}
    compared = {
        name: _numbers(compare(each, measurements.task, new, old))
        for name, each in measurements.metrics.items()
    }
    rows = found.rows_of(_SPLIT)
    return {
        "rows": len(new.truth),
        "metrics": {name: numbers for name, numbers in compared.items() if numbers},
        "slices": {
            name: _by_value(rows, name, columns[name], measurements, metric, new, old) for name in slices
        },
    }


def _by_value(
    rows: polars.DataFrame,
    name: str,
    column: Column,
    measurements: Measurements,
    metric: str,
    new: Predictions,
    old: Predictions,
) -> dict[str, Any]:
    """The objective's metric in each slice that is large enough to be judged."""
    found = {}
    for value, inside in rows_by_value(rows, name, column).items():
        if int(inside.sum()) >= SMALLEST_SLICE:
            each = measurements.metrics[metric]
            found[value] = _numbers(compare(each, measurements.task, new.at(inside), old.at(inside)))
    return {value: numbers for value, numbers in found.items() if numbers}


def _numbers(found: BaselineComparison | None) -> dict[str, Any]:
    if found is None:
        return {}
    candidate = found.released + found.difference
    return {
        "released": found.released,
        "candidate": candidate,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "rows": found.rows,
        "greater_is_better": found.greater_is_better,
        "words": str(found),
    }


def _lines(report: Mapping[str, Any]) -> list[str]:
    if "obstacle" in report:
        return [f"not compared with what is released: {report['obstacle']}"]
    served = f"{report['version']}, which serves in {report['environment']}"
    head = f"against {served}, on {report['rows']:,} new rows:"
    metrics = [
        f"  {name} {each['released']:.4g} → {each['candidate']:.4g}: {each['words']}"
        for name, each in report["metrics"].items()
    ]
    return [head, *metrics]
