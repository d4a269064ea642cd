"""What the train stage leaves: the model as ONNX, how it was found, its losses and what it looks at."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.evaluation.nearness import unit_of
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.training.space import OPTIMIZER
from aimass_compiler.runtime.workspace import replacing, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.training.fitting import Assignment, Fitted
    from aimass_compiler.runtime.training.retraining import Attempt
    from aimass_compiler.runtime.training.trials import Outcome

_LARGEST_DIFFERENCE = 1e-5
_LOSSES = ("train_loss", "validation_loss")


def write_model(path: Path, assignment: Assignment, fitted: Fitted) -> None:
    """Write the ONNX graph; raises StageFailure when it answers otherwise than the model that was trained."""
    import onnxruntime

    graph = fitted.trained.to_onnx().SerializeToString()
    examples = read_examples(assignment.matrices, "validation")
    rows = examples.x
    expected = fitted.trained.predict(rows)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    served = session.run(["scores"], {"features": numpy.ascontiguousarray(rows)})[0]
    difference = float(numpy.abs(served - expected).max()) if served.shape == expected.shape else numpy.inf
    if not difference <= _LARGEST_DIFFERENCE * unit_of(assignment.task, examples.y, expected):
        raise StageFailure(
            ExitCode.TRAINING,
            f"the exported `{assignment.model.kind}` differs from the trained one by {difference:.2g}",
            "this is a defect of the export: please report it with the spec",
        )
    with replacing(path) as temporary:
        temporary.write_bytes(graph)


def write_best(
    path: Path, assignment: Assignment, fitted: Fitted, best: Outcome, attempts: Sequence[Attempt]
) -> None:
    """Write all parameters that were chosen, what they reached, and after which attempts."""
    parameters = fitted.model.model_dump(mode="json")
    if fitted.model.learns_in_epochs:
        of_optimizer = fitted.training.optimizer.model_dump(mode="json")
        parameters |= {f"{OPTIMIZER}{name}": value for name, value in of_optimizer.items()}
    document = {
        "model": fitted.model.kind,
        "parameters": parameters,
        "metric": assignment.objective.metric,
        "greater_is_better": assignment.metric.greater_is_better,
        "value": best.value,
        "trial": best.id,
        "attempts": [
            {
                "verdict": attempt.fit.verdict,
                "reason": attempt.fit.reason,
                "value": attempt.value,
                "more": attempt.more,
            }
            for attempt in attempts
        ],
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    write_json(path, document)


def write_trials(path: Path, outcomes: Sequence[Outcome], seconds: Mapping[str, float]) -> None:
    """Write totals, and how every trial ended."""
    statuses = ("done", "stopped", "failed")
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in statuses}
    totals = {"trials": len(outcomes), **counts, **{name: round(value, 3) for name, value in seconds.items()}}
    ordered = sorted(outcomes, key=lambda outcome: outcome.id)
    write_json(path, {"totals": totals, "trials": [_described(outcome) for outcome in ordered]})


def _described(outcome: Outcome) -> dict[str, Any]:
    document = asdict(outcome)
    del document["draw"], document["at"]
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
