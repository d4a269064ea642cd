"""The reference of what is predicted: its distribution on the test split, to notice drift in serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.reference import number_reference
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from aimass_compiler.catalog.artifact import Artifact
    from aimass_compiler.catalog.task import Task, Thresholds
    from aimass_compiler.runtime.workspace import Workspace

#: As many training rows as their mean and covariance need; of more, some are looked at, each so many apart.
_FITTED_ROWS = 20_000


def served_reference(learned: Mapping[str, Any]) -> dict[str, Any]:
    """What serving compares with: the inputs, and not the targets, which no request has."""
    return {name: value for name, value in learned.items() if name != "targets"}


def prediction_reference(
    task: Task, served: NDArray[numpy.floating], threshold: Thresholds | None
) -> dict[str, Any]:
    """The shares of the labels, or of the predictions in bins between deciles."""
    if task.forecast is not None:
        served = served.mean(axis=1)
    if not task.is_classification:
        return number_reference(polars.Series(served.astype(numpy.float64)))
    decided = task.decided(served, threshold)
    if task.is_multilabel:
        return {
            "kind": "labels",
            "values": list(task.classes),
            "fractions": [float(share) for share in decided.mean(axis=0)],
        }
    counts = numpy.bincount(decided, minlength=len(task.classes))
    return {
        "kind": "category",
        "values": list(task.classes),
        "fractions": [float(count / len(served)) for count in counts],
        "other": 0.0,
        "missing": 0.0,
    }


def representation_reference(
    artifact: Artifact[Any],
    folder: Path,
    inputs: Sequence[Mapping[str, Any]],
    task: Task,
    rows: polars.DataFrame,
    workspace: Workspace,
) -> dict[str, Any]:
    """Let the package tell how far a row is from those of training; the distances of these rows in bins.

    Raises StageFailure where the model has no representation.
    """
    training = polars.scan_parquet(workspace.path(artifacts.rows("train")))
    height = training.select(polars.len()).collect().item()
    fitted = training.gather_every(max(1, height // _FITTED_ROWS)).collect()
    try:
        distances = artifact.watch_representation(folder, inputs, task, fitted)(rows)
    except ValueError as error:
        message = f"the model's representation cannot be watched: {error}"
        hint = "remove `monitoring.drift.representation`"
        raise StageFailure(ExitCode.USAGE, message, hint) from error
    return {"representation": number_reference(polars.Series(distances))}
