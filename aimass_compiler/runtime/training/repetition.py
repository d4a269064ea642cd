"""Training again with the parameters that were found, on a fold or with another seed."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.evaluation.decision import chosen
from aimass_compiler.runtime.evaluation.measures import Measures, measure, metrics_named
from aimass_compiler.runtime.evaluation.predictions import predict
from aimass_compiler.runtime.examples import read_examples
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training import results
from aimass_compiler.runtime.training.trial import Assignment, fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aimass_compiler.pipeline.evaluation import Repetition


def trained_again(
    assignment: Assignment, best: Mapping[str, Any], repetition: Repetition, folder: Path, which: str
) -> dict[str, Measures]:
    """The metrics by split of a model that is trained, exported to a folder and asked as the shipped one is.

    Its threshold is chosen anew on its own validation split. Raises StageFailure; `which` says of what.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        fitted = fit(assignment, best, folder / "checkpoint", lambda step, losses: None)  # noqa: ARG005  # a trial shows steps
    except Exception as error:
        message = f"{which}: training failed: {type(error).__name__}: {error}"
        raise StageFailure(ExitCode.TRAINING, message, "the model itself was trained") from error
    results.write_model(folder, assignment, fitted)
    scorer, task = fitted.model.artifact.scorer(folder), assignment.task
    rows = {
        split: predict(scorer, task, read_examples(assignment.matrices, split), split) for split in SPLITS
    }
    if repetition.decision is not None:
        threshold = chosen(repetition.decision, task, rows["validation"]).threshold
        rows = {split: found.decided(threshold) for split, found in rows.items()}
    metrics = metrics_named(repetition.metrics)
    return {split: measure(metrics, task, found) for split, found in rows.items()}


def spread(measured: Sequence[Measures]) -> dict[str, dict[str, Any]]:
    """Mean, standard deviation (of a sample) and values of each metric, as far as they are defined."""
    found = {}
    for name in measured[0]:
        values = [each[name] for each in measured]
        defined = [value for value in values if value is not None]
        found[name] = {
            "mean": statistics.fmean(defined) if defined else None,
            "std": statistics.stdev(defined) if len(defined) > 1 else None,
            "values": values,
        }
    return found
