"""The fourth stage: measure the model on every split and slice and hold it against its gates."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import artifacts
from aimass_compiler.conventions import SPLITS
from aimass_compiler.runtime.evaluation.advice import advice
from aimass_compiler.runtime.evaluation.fit import Fit, judge_fit
from aimass_compiler.runtime.evaluation.gates import Judged, judge
from aimass_compiler.runtime.evaluation.measures import Evidence, measure_slices, metrics_of
from aimass_compiler.runtime.evaluation.plots import write_confusion, write_curve
from aimass_compiler.runtime.evaluation.predictions import Predictions, Predictor
from aimass_compiler.runtime.evaluation.release import rival_of
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.workspace import Workspace, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.evaluation import Evaluation
    from aimass_compiler.pipeline.training import Objective
    from aimass_compiler.task import Task


def run(
    task: Task,
    columns: Mapping[str, Column],
    evaluation: Evaluation,
    objective: Objective,
    *,
    workspace: Workspace,
) -> None:
    """Write metrics, predictions and plots; only then a missed gate stops the pipeline.

    Raises StageFailure with every missed gate.
    """
    predictor = Predictor(workspace.path(artifacts.TRAINED_MODEL), task)
    matrices = workspace.folder("features")
    predictions = {split: predictor.predict(read_examples(matrices, split), split) for split in SPLITS}
    evidence = Evidence.of(task, metrics_of(task, evaluation, objective), predictions)
    slices = {name: columns[name] for name in evaluation.slices}
    rows = polars.read_parquet(workspace.path(artifacts.rows("test")), columns=list(slices))
    fit = judge_fit(objective.metric, evidence, evaluation.gates)
    rival = rival_of(evaluation.gates, evidence, columns, workspace)
    judged = judge(evaluation.gates, evidence, rival)
    measured = {**evidence.measured, "slices": measure_slices(evidence, rows, slices)}
    if rival and rival.comparisons:
        measured["released"] = rival.numbers()
    write_json(workspace.path(artifacts.METRICS), measured)
    verdict = {"fit": asdict(fit), "gates": [asdict(gate) for gate in judged], "positive": task.positive}
    write_json(workspace.path(artifacts.VERDICT), verdict)
    _write_predictions(workspace.path(artifacts.PREDICTIONS), task, predictions["test"])
    write_curve(workspace.path(artifacts.CURVE), task, predictions["test"])
    write_confusion(workspace.path(artifacts.CONFUSION), task, predictions["test"])
    for line in (f"the model {fit.verdict}: {fit.reason}", *map(_marked, judged)):
        print(line, flush=True)
    _stop_if_missed([gate for gate in judged if not gate.passed], fit, evidence, evaluation)


def _write_predictions(path: Path, task: Task, predictions: Predictions) -> None:
    """The test split's rows in their order: number, truth by name or value, and the scores as a list."""
    count = len(predictions.scores)
    truth: Sequence[Any] = predictions.truth.tolist()
    if task.is_classification:
        truth = [task.classes[number] for number in truth]
    scores = predictions.scores.reshape(count, -1).tolist()
    table = polars.DataFrame(
        {"row": range(count), "truth": truth, "scores": scores},
        schema={
            "row": polars.Int64,
            "truth": polars.String if task.is_classification else polars.Float64,
            "scores": polars.List(polars.Float32 if task.is_classification else polars.Float64),
        },
    )
    write_table(path, table)


def _marked(judged: Judged) -> str:
    return f"{'✓' if judged.passed else '✗'} {judged.shown}: {judged.reason}"


def _stop_if_missed(missed: Sequence[Judged], fit: Fit, evidence: Evidence, evaluation: Evaluation) -> None:
    if not missed:
        return
    count = "a gate" if len(missed) == 1 else f"{len(missed)} gates"
    raise StageFailure(
        ExitCode.GATE,
        f"the model missed {count}:\n" + "\n".join(f"  {gate.reason}" for gate in missed),
        advice(missed, fit, evidence, evaluation),
    )
