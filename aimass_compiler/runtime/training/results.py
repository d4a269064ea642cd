"""What the train stage leaves: the artifact, how it was found, its losses and what it looks at."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.metric import metric_named
from aimass_compiler.runtime.evaluation.predictions import Predictions, scores_of
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.parity import require_same_export
from aimass_compiler.runtime.progress import say
from aimass_compiler.runtime.training.calibration import calibrated
from aimass_compiler.runtime.training.space import OPTIMIZER
from aimass_compiler.runtime.workspace import replacing_all, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from aimass_compiler.catalog.calibration import Method
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.training.retraining import Attempt
    from aimass_compiler.runtime.training.trial import Assignment, Fitted
    from aimass_compiler.runtime.training.trial_folders import Outcome

#: Below this, steps follow chance (Niculescu-Mizil and Caruana 2005, https://doi.org/10.1145/1102351.1102430).
_FEW_ROWS = 1_000
_LOSSES = ("train_loss", "validation_loss")


def write_model(folder: Path, assignment: Assignment, fitted: Fitted) -> None:
    """Write the model's artifact; raises StageFailure when it answers otherwise than what was trained."""
    artifact, examples = fitted.model.artifact, read_examples(assignment.matrices, "validation")
    method = assignment.training.calibration
    with replacing_all(folder, artifact.files) as made:
        artifact.write(fitted.trained, made)
        if artifact.reads_rows:
            return
        exported = scores_of(artifact.scorer(made), examples.x)
        trained = scores_of(fitted.trained.predict, examples.x)
        require_same_export(fitted.model.kind, assignment.task, examples.y, trained, exported)
        if method is not None:
            _calibrate(method, fitted.model, made, assignment, exported)


def _calibrate(
    method: Method, model: Model, made: Path, assignment: Assignment, scores: NDArray[Any]
) -> None:
    """Let the artifact answer shares, by what it answers to the validation rows; and say what came of it."""
    task, artifact = assignment.task, model.artifact
    rows = read_examples(assignment.matrices, "validation")
    calibration = calibrated(method, task, scores, numpy.asarray(rows.y), rows.weights)
    artifact.calibrate(calibration, task, made)
    answered = scores_of(artifact.scorer(made), rows.x)
    kind = f"calibrated {model.kind}"
    require_same_export(kind, task, rows.y, calibration.apply(scores, task), answered)
    before, after = (
        _log_loss(Predictions(numpy.asarray(rows.y), found, rows.weights), task)
        for found in (scores, answered)
    )
    if method == "isotonic" and len(rows.y) < _FEW_ROWS:
        say(f"warning: {len(rows.y):,} validation rows are few for steps; `sigmoid` has two parameters only")
    say(f"calibrated ({method}) on the validation split: log_loss {before:.4g} before, {after:.4g} after")


def _log_loss(rows: Predictions, task: Task) -> float:
    """The log loss of the rows; of several labels the mean of theirs."""
    log_loss = metric_named("log_loss")
    if not task.is_multilabel:
        return rows.measured(log_loss, task)
    each = [rows.of_label(at).measured(log_loss, task.of_label(at)) for at in range(task.outputs)]
    return sum(each) / len(each)


def write_best(
    path: Path,
    assignment: Assignment,
    fitted: Fitted,
    best: Outcome,
    attempts: Sequence[Attempt],
    compared: Mapping[str, Any],
) -> None:
    """Write all parameters that were chosen, what they reached, after which attempts, beside which models."""
    calibration = assignment.training.calibration
    document = {
        "model": fitted.model.kind,
        "parameters": _parameters(fitted),
        "metric": assignment.objective.metric,
        "greater_is_better": assignment.metric.greater_is_better,
        "value": best.value,
        "trial": best.id,
        **({"schedule": [dict(each) for each in best.schedule]} if best.schedule else {}),
        **compared,
        **({} if assignment.task.has_target else {"classes": list(fitted.model.names_found)}),
        **({} if calibration is None else {"calibration": calibration}),
        "attempts": [
            {"verdict": each.fit.verdict, "reason": each.fit.reason, "value": each.value, "more": each.more}
            for each in attempts
        ],
        "libraries": loaded_libraries(),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    write_json(path, document)


def _parameters(fitted: Fitted) -> dict[str, Any]:
    """All parameters of the model, and of the optimizer where it has one."""
    parameters = fitted.model.model_dump(mode="json")
    if fitted.model.learns_in_epochs:
        of_optimizer = fitted.training.optimizer.model_dump(mode="json")
        parameters |= {f"{OPTIMIZER}{name}": value for name, value in of_optimizer.items()}
    return parameters


def write_trials(path: Path, metric: str, outcomes: Sequence[Outcome], seconds: Mapping[str, float]) -> None:
    """Write totals, and how every trial ended."""
    statuses = ("done", "stopped", "failed")
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in statuses}
    totals = {"trials": len(outcomes), **counts, **{name: round(value, 6) for name, value in seconds.items()}}
    ordered = sorted(outcomes, key=lambda outcome: outcome.id)
    write_json(
        path, {"totals": totals, "metric": metric, "trials": [_described(outcome) for outcome in ordered]}
    )


def _described(outcome: Outcome) -> dict[str, Any]:
    document = asdict(outcome)
    del document["draw"], document["at"]
    if not document["schedule"]:
        del document["schedule"]
    return document | {"parameters": document.pop("values")}


def write_history(path: Path, fitted: Fitted) -> None:
    """Write a row for each step with the losses of both splits."""
    rows = [(step, *(f"{losses[name]:.8g}" for name in _LOSSES)) for step, losses in fitted.history]
    _write_table(path, ("step", *_LOSSES), rows)


def write_importance(path: Path, fitted: Fitted, names: Sequence[str]) -> None:
    """Write the importance of features, the largest first; only its header where the model cannot tell."""
    importance = fitted.trained.importance()
    found = (
        [] if importance is None else sorted(zip(importance.tolist(), names, strict=True), key=_largest_first)
    )
    _write_table(
        path,
        ("feature", "importance"),
        [(name, f"{value:.8g}") for value, name in found],
    )


def _largest_first(entry: tuple[float, str]) -> tuple[float, str]:
    return -entry[0], entry[1]


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def loaded_libraries() -> dict[str, str]:
    """The version of each installed distribution of which a module is loaded, by its name."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    owners = {
        owner for module, names in packages_distributions().items() if module in loaded for owner in names
    }
    return dict(sorted(found for owner in owners if (found := _versioned(owner))))


def _versioned(name: str) -> tuple[str, str] | None:
    try:
        return name, version(name)
    except PackageNotFoundError:  # what an update left half removed
        return None
