"""The proof that the package computes what was evaluated: raw rows through model.onnx, score by score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime

from aimass_compiler import conventions
from aimass_compiler.runtime.evaluation.nearness import unit_of
from aimass_compiler.runtime.failure import ExitCode, StageFailure
from aimass_compiler.runtime.tensors import pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars
    from numpy.typing import NDArray

    from aimass_compiler.task import Task

_TOLERANCE = 1e-5
_CHUNK_ROWS = 4096


def predict(
    model: bytes, inputs: Sequence[Mapping[str, Any]], rows: polars.DataFrame, task: Task
) -> NDArray[numpy.floating]:
    """What the package answers for raw rows: probabilities [N, K] or predictions [N]."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = conventions.PROBABILITIES_OUTPUT if task.is_classification else conventions.PREDICTION_OUTPUT
    chunks = [session.run([name], pack(part, inputs))[0] for part in rows.iter_slices(_CHUNK_ROWS)]
    return numpy.concatenate(chunks)


def verify(task: Task, served: NDArray[numpy.floating], evaluated: polars.DataFrame) -> None:
    """Hold what the package answers against the predictions that were evaluated.

    Raises StageFailure when a row is further off than 1e-5, of 1 for probabilities, else of the range of
    the target.
    """
    expected = evaluated["scores"].explode().to_numpy().reshape(served.shape)
    unit = unit_of(task, evaluated["truth"].to_numpy(), expected)
    close = numpy.isclose(served, expected, rtol=0, atol=_TOLERANCE * unit)
    wrong = ~close.reshape(len(close), -1).all(axis=1)
    if wrong.any():
        apart = float(numpy.abs(served - expected).max())
        raise StageFailure(
            ExitCode.FAILED,
            f"model.onnx answers {int(wrong.sum()):,} of {len(served):,} test rows otherwise "
            f"than was evaluated, first row {int(wrong.argmax())}, by up to {apart:.2g}",
            "run the stages again from `features`; if it stays, please report it with the spec",
        )
