"""What the trained model says about the rows of a split, beside what was true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime

from aimass_compiler.runtime.failure import ExitCode, StageFailure

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from aimass_compiler.catalog.model import Examples
    from aimass_compiler.task import Task

#: Numbers given to the model at once: 16 MB of float32, whatever a row's size.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Predictions:
    """The rows of a split: class numbers as `truth` [N] and float32 `scores` [N, K], or float64, both [N]."""

    truth: NDArray[Any]
    scores: NDArray[numpy.floating]

    def at(self, rows: NDArray[numpy.bool_]) -> Predictions:
        """Some of the rows."""
        return Predictions(self.truth[rows], self.scores[rows])


class Predictor:
    """The trained model: features to scores, a chunk at a time."""

    def __init__(self, model: Path, task: Task) -> None:
        self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        self._task = task

    def predict(self, examples: Examples, split: str) -> Predictions:
        """The scores of a split.

        Raises StageFailure when one of them is not a number.
        """
        rows = max(1, _CHUNK // examples.x[:1].size)
        chunks = [self._scores(examples.x[start : start + rows]) for start in range(0, len(examples.x), rows)]
        scores = numpy.concatenate(chunks)
        broken = int((~numpy.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
        if broken:
            raise StageFailure(
                ExitCode.TRAINING,
                f"the prediction of {broken:,} of the {len(scores):,} {split} rows is not a finite number",
                "lower the learning rate or scale the features, such as with `standardize`",
            )
        return Predictions(numpy.asarray(examples.y), scores)

    def _scores(self, x: NDArray[numpy.float32]) -> NDArray[numpy.floating]:
        features = numpy.ascontiguousarray(x)
        scores: NDArray[numpy.floating] = self._session.run(["scores"], {"features": features})[0]
        return scores if self._task.is_classification else scores.reshape(-1)
