"""Answers rows as the model does, and says which columns moved each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions
from aimass_compiler.runtime.server.explanations.column_shapley import ColumnShapley
from aimass_compiler.runtime.server.explanations.exactness import exactness_of
from aimass_compiler.runtime.server.explanations.score_scale import ScoreScale
from aimass_compiler.runtime.server.model import ContractModel
from aimass_compiler.runtime.server.package_files import damaged
from aimass_compiler.runtime.server.response import Prediction, RequestError
from aimass_compiler.runtime.server.rows import RowReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model import OnnxModel, Tensors
    from aimass_compiler.runtime.server.package import Package
    from aimass_compiler.runtime.server.response import ServerFailure


class ExplainingModel(ContractModel):
    """Answers rows as the model does, and explains each answer.

    Beside the model's outputs a prediction has `contributions` [N, C], `base` [N], `exact` [N] and, of a
    classification, `of` [N]: the number of the class whose probability is explained.
    """

    def __init__(self, package: Package, model: OnnxModel, background: Mapping[str, Any]) -> None:
        """Read the background of reference.json; raises ServerFailure where it is none of this model."""
        signature = package.signature
        super().__init__(signature, model)
        rows, of = background.get("rows"), background.get("of")
        if not isinstance(rows, list) or not rows or not (of is None or of in signature.labels):
            raise _damaged("is no list of rows and a class")
        try:
            tensors = RowReader(signature, len(rows) * signature.width).tensors(rows)
        except (RequestError, AttributeError, TypeError) as error:
            raise _damaged(f"breaks the contract of {conventions.SIGNATURE_FILE}: {error}") from error
        self._labels = {label: number for number, label in enumerate(signature.labels)}
        self._of = None if of is None else self._labels[of]
        self.scale = ScoreScale.of(signature, in_log_odds=background.get("scale") == conventions.LOG_ODDS)
        self.explainer = ColumnShapley(signature, model, tensors, self.scale)
        features = background.get("features")
        self._exactness = exactness_of(package, self.explainer, tensors, features, self.scale)

    def predict(self, tensors: Tensors, limit: onnxruntime.RunOptions | None = None) -> Prediction:
        prediction = super().predict(tensors, limit)
        scores = self.scale.scores(prediction.outputs)
        of = self._explained(prediction)
        found = numpy.empty((prediction.rows, len(self.explainer.columns)))
        base, exact = numpy.empty(prediction.rows), numpy.full(prediction.rows, self._exactness.is_always)
        for place in range(prediction.rows):
            row = {name: tensor[place : place + 1] for name, tensor in tensors.items()}
            known = self._exactness.contributions(row, scores[place], of[place], limit)
            if known is None:
                found[place] = self.explainer.contributions(row, scores[place], limit)[:, of[place]]
                base[place] = self.explainer.base[of[place]]
            else:
                (found[place], base[place]), exact[place] = known, True
        beside = {"contributions": found, "base": base, "exact": exact, "of": of}
        return Prediction(prediction.rows, prediction.tensors, {**prediction.outputs, **beside})

    def _explained(self, prediction: Prediction) -> NDArray[numpy.int64]:
        """Which of the scores is explained, of each row: the positive class, or the one of the label."""
        if not self._labels or self._of is not None:
            return numpy.full(prediction.rows, self._of or 0)
        if conventions.LABEL_OUTPUT not in prediction.outputs:  # of several labels, the likeliest
            return numpy.asarray(prediction.outputs[self._scores].argmax(axis=1))
        labels = prediction.outputs[conventions.LABEL_OUTPUT].tolist()
        return numpy.array([self._labels[label] for label in labels])


def _damaged(what: str) -> ServerFailure:
    return damaged(f"`background` of {conventions.REFERENCE_FILE} {what}")
