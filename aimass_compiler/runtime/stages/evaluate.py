"""The fourth stage: measure the model on every split and slice and hold it against its gates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import polars

from aimass_compiler.catalog.model import model_named
from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.diagnosis import diagnoses
from aimass_compiler.runtime.evaluation import plots
from aimass_compiler.runtime.evaluation.advice import advice
from aimass_compiler.runtime.evaluation.comparison import NoReleasedBaseline, ReleasedBaseline
from aimass_compiler.runtime.evaluation.decision import ChosenThreshold, ChosenThresholds, chosen
from aimass_compiler.runtime.evaluation.fit import Fit, judge_fit
from aimass_compiler.runtime.evaluation.forecasts import forecast_report, interval_widths, widths_of
from aimass_compiler.runtime.evaluation.gates import GateResult, judge
from aimass_compiler.runtime.evaluation.importance import (
    AsPackaged,
    Permuted,
    importance_of,
    write_importance,
)
from aimass_compiler.runtime.evaluation.measures import (
    Measurements,
    measure_labels,
    measure_slices,
    metrics_of,
    rows_by_value,
)
from aimass_compiler.runtime.evaluation.prediction_intervals import (
    ConformalIntervals,
    conformal,
    is_of_intervals,
    judge_intervals,
)
from aimass_compiler.runtime.evaluation.predictions import Predictions, predict, predict_rows
from aimass_compiler.runtime.evaluation.released_model import rivals_of
from aimass_compiler.runtime.evaluation.repeats import Repeats
from aimass_compiler.runtime.evaluation.suites import judge_suites, run_suites
from aimass_compiler.runtime.evaluation.written_answers import (
    WorseAnswer,
    document_of,
    lines_of,
    write_answers,
)
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json, write_table
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy
    from numpy.typing import NDArray

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column
    from aimass_compiler.pipeline.decision import Decision
    from aimass_compiler.pipeline.evaluation import Evaluation
    from aimass_compiler.pipeline.training import Objective


_PLOTS = {
    artifacts.CURVE: plots.write_curve,
    artifacts.CONFUSION: plots.write_confusion,
    artifacts.PRECISION_RECALL: plots.write_precision_recall,
    artifacts.GAIN: plots.write_gain,
    artifacts.CALIBRATION: plots.write_calibration,
}


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
    best = read_json(workspace.path(artifacts.BEST))
    artifact, task = model_named(best["model"]).artifact, task.naming(best.get("classes", task.classes))
    predictions, decided = predicted(artifact, task, evaluation.decision, workspace)
    measurements = Measurements.of(task, metrics_of(evaluation, objective), predictions)
    fit = judge_fit(objective.metric, measurements, evaluation.gates)
    held = _Held.against(evaluation, measurements, columns, artifact, workspace)
    measured = dict(measurements.measured) | _ahead(measurements, best.get("backtest"))
    measured |= _slices(evaluation.slices, measurements, columns, workspace)
    measured |= measure_labels(task, predictions["test"])
    permuted = _importance(evaluation, objective, measurements, AsPackaged(artifact, task.of_rows, workspace))
    beside = _comparisons(held, decided, permuted)
    verdict = _verdict(measurements, fit, held.judged, decided)
    wrong = [each.document() for each in diagnoses(verdict, beside, {})]
    beside |= {"diagnosis": wrong} if wrong else {}
    verdict |= {"worse_answers": document_of(held.worse)} if held.worse else {}
    write_json(workspace.path(artifacts.METRICS), measured | beside)
    write_json(workspace.path(artifacts.VERDICT), verdict)
    _write_rows(task, predictions["test"], workspace)
    for line in (*([decided.shown(task)] if decided else []), *_lines(held, task, objective, fit, wrong)):
        print(line, flush=True)
    _stop_if_missed([gate for gate in held.judged if not gate.passed], fit, measurements, evaluation)


@dataclass(frozen=True)
class _Held:
    """What the model was held against, and what came of it."""

    rivals: Mapping[str, ReleasedBaseline | NoReleasedBaseline]
    repeats: Repeats
    intervals: ConformalIntervals | None
    suites: Mapping[str, Any]
    judged: Sequence[GateResult]

    @classmethod
    def against(
        cls,
        evaluation: Evaluation,
        measurements: Measurements,
        columns: Mapping[str, Column],
        artifact: Artifact[Any],
        workspace: Workspace,
    ) -> Self:
        """Every gate of the spec: of metrics, of intervals and of suites."""
        rivals = rivals_of(evaluation.gates, measurements, columns, artifact, workspace)
        repeats = Repeats.read(evaluation, workspace)
        intervals = conformal(evaluation.intervals, measurements.predictions)
        suites = run_suites(evaluation.suites, artifact, measurements.task, workspace)
        sliced = partial(_sliced, columns, workspace)
        judged = [
            *judge(evaluation.gates, measurements, rivals, sliced, repeats),
            *judge_intervals(evaluation.intervals, intervals),
            *judge_suites(evaluation.suites, suites),
        ]
        return cls(rivals, repeats, intervals, suites, judged)

    @property
    def worse(self) -> list[WorseAnswer]:
        """The written answers of which the released model had better ones."""
        return [
            each
            for rival in self.rivals.values()
            if isinstance(rival, ReleasedBaseline)
            for each in rival.worse
        ]


def _lines(
    held: _Held, task: Task, objective: Objective, fit: Fit, wrong: Sequence[Mapping[str, str]]
) -> Iterator[str]:
    """What is printed of it."""
    yield from [held.intervals.shown] if held.intervals else []
    yield from held.repeats.lines(objective.metric)
    yield from _unstable(wrong)
    yield f"the model {fit.verdict}: {fit.reason}" if task.has_target else fit.reason
    yield from map(_marked, held.judged)
    yield from lines_of(held.worse)


def _unstable(wrong: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What is said where the same recipe learns something else each time; the fit is said anyhow."""
    for each in wrong:
        if each["kind"] == "unstable":
            yield f"{each['kind']}: {each['evidence']}; usual: {each['advice']}"


def _importance(
    evaluation: Evaluation, objective: Objective, measurements: Measurements, model: AsPackaged
) -> Permuted | None:
    """Measure and write what each column is worth to the model, by the objective's metric.

    A prompt is nearly all that a language model reads.
    """
    permuted = None
    if not model.artifact.reads_rows:
        permuted = importance_of(
            evaluation.importance,
            measurements.metrics[objective.metric],
            measurements.predictions["validation"],
            read_json(model.workspace.path(artifacts.FEATURES))["inputs"],
            model,
        )
    write_importance(model.workspace.path(artifacts.PERMUTATION_IMPORTANCE), permuted)
    return permuted


def _write_rows(task: Task, test: Predictions, workspace: Workspace) -> None:
    """Write the predictions of the test split, and the plots made of them."""
    if task.is_written:
        rows = polars.read_parquet(workspace.path(artifacts.rows("test")))
        write_answers(workspace.path(artifacts.PREDICTIONS), task, rows, test)
    else:
        _write_predictions(workspace.path(artifacts.PREDICTIONS), task, test)
    is_drawn = task.has_target and not task.is_written
    for path, write in _PLOTS.items():
        (write if is_drawn else plots.write_nothing)(workspace.path(path), task, test)


def predicted(
    artifact: Artifact[Any], task: Task, decision: Decision | None, workspace: Workspace
) -> tuple[dict[str, Predictions], ChosenThreshold | ChosenThresholds | None]:
    """What the model says of every split, and the threshold of its labels, if there is one."""
    trained, matrices = workspace.folder("train"), workspace.folder("features")
    if artifact.reads_rows:
        ask = artifact.row_scorer(trained, task)
        tables = {split: polars.read_parquet(workspace.path(artifacts.rows(split))) for split in SPLITS}
        predictions = {split: predict_rows(ask, task, rows, split) for split, rows in tables.items()}
    else:
        scorer = artifact.scorer(trained)
        predictions = {
            split: predict(scorer, task, read_examples(matrices, split), split) for split in SPLITS
        }
    if decision is None:
        return predictions, None
    decided = _decided(decision, task, predictions)
    return {split: rows.decided(decided.threshold) for split, rows in predictions.items()}, decided


def _slices(
    wanted: Sequence[str], measurements: Measurements, columns: Mapping[str, Column], workspace: Workspace
) -> dict[str, Any]:
    """What metrics.json has of the test split, value by value of each column that is wanted."""
    slices = {name: columns[name] for name in wanted}
    rows = polars.read_parquet(workspace.path(artifacts.rows("test")), columns=list(slices))
    return {"slices": measure_slices(measurements, rows, slices)}


def _ahead(measurements: Measurements, tested: Mapping[str, Any] | None) -> dict[str, Any]:
    """What metrics.json has of a forecast, with intervals by its backtest or by the validation split."""
    task, predictions = measurements.task, measurements.predictions
    if task.forecast is None:
        return {}
    widths = widths_of(tested or {}) or interval_widths(task.forecast, predictions["validation"])
    return forecast_report(task, measurements.metrics, predictions, widths, tested)


def _sliced(
    columns: Mapping[str, Column], workspace: Workspace, split: str, column: str
) -> dict[str, NDArray[numpy.bool_]]:
    rows = polars.read_parquet(workspace.path(artifacts.rows(split)), columns=[column])
    return rows_by_value(rows, column, columns[column])


def _comparisons(
    held: _Held, decided: ChosenThreshold | ChosenThresholds | None, permuted: Permuted | None
) -> dict[str, Any]:
    """What metrics.json has beside the metrics, as far as it was asked for."""
    compared = [
        each for each in held.rivals.values() if isinstance(each, ReleasedBaseline) and each.comparisons
    ]
    found = {
        "released": {each.environment: each.numbers() for each in compared},
        "intervals": _intervals(held.judged),
        "decision": {} if decided is None else {"threshold": decided.threshold},
        "importance": {} if permuted is None else permuted.document(),
        **held.repeats.numbers(),
        "prediction_intervals": held.intervals.document() if held.intervals else {},
        "suites": held.suites,
    }
    return {name: numbers for name, numbers in found.items() if numbers}


def _verdict(
    measurements: Measurements,
    fit: Fit,
    judged: Sequence[GateResult],
    decided: ChosenThreshold | ChosenThresholds | None,
) -> dict[str, Any]:
    """What verdict.json has: the fit, the gates with their reasons, and how labels are given."""
    task = measurements.task
    found: dict[str, Any] = {
        "fit": asdict(fit),
        "gates": [asdict(gate) for gate in judged],
        "positive": task.positive,
    }
    if task.is_classification and task.has_target and not task.is_multilabel:
        found["confusion"] = plots.confusion(task, measurements.predictions["test"])
    return found if decided is None else found | {"decision": decided.document(task)}


def _intervals(judged: Sequence[GateResult]) -> dict[str, dict[str, dict[str, float]]]:
    """The 95 % intervals of the metrics that have a gate, by split and metric; those of slices aside."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for gate in judged:
        if gate.low is not None and gate.high is not None and gate.slice is None:
            found.setdefault(gate.split, {})[gate.metric] = {"low": gate.low, "high": gate.high}
    return found


def _decided(
    decision: Decision, task: Task, predictions: Mapping[str, Predictions]
) -> ChosenThreshold | ChosenThresholds:
    """The threshold of the labels. Raises StageFailure where none does what was asked for."""
    found = chosen(decision, task, predictions["validation"])
    if not found.is_met:
        raise StageFailure(
            ExitCode.GATE,
            found.shortfall(task),
            "ask for less in `evaluation.decision`, or find columns that separate the classes better",
        )
    return found


def _write_predictions(path: Path, task: Task, predictions: Predictions) -> None:
    """The test split's rows in their order: number, truth by name or value, and the scores as a list."""
    count = len(predictions.scores)
    truth: Sequence[Any] = predictions.truth.tolist() if task.has_target else [None] * count
    kind: Any = polars.String if task.is_classification else polars.Float64
    if task.is_multilabel:
        kind, truth = polars.List(polars.String), [_names(task, row) for row in truth]
    elif task.is_classification and task.has_target:
        truth = [task.classes[number] for number in truth]
    scores = predictions.scores.reshape(count, -1).tolist()
    table = polars.DataFrame(
        {"row": range(count), "truth": truth, "scores": scores},
        schema={
            "row": polars.Int64,
            "truth": kind,
            "scores": polars.List(polars.Float32 if task.is_classification else polars.Float64),
        },
    )
    write_table(path, table)


def _names(task: Task, row: Sequence[int]) -> list[str]:
    """The labels that a row has."""
    return [name for name, has_it in zip(task.classes, row, strict=True) if has_it]


def _marked(judged: GateResult) -> str:
    return f"{'✓' if judged.passed else '✗'} {judged.shown}: {judged.reason}"


def _stop_if_missed(
    missed: Sequence[GateResult], fit: Fit, measurements: Measurements, evaluation: Evaluation
) -> None:
    if not missed:
        return
    count = "a gate" if len(missed) == 1 else f"{len(missed)} gates"
    raise StageFailure(
        ExitCode.GATE,
        f"the model missed {count}:\n" + "\n".join(f"  {gate.reason}" for gate in missed),
        advice([gate for gate in missed if not is_of_intervals(gate)], fit, measurements, evaluation),
    )
