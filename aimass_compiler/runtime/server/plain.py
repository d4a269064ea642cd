"""POST /predict: rows as people write them, predictions as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import Answer
from aimass_compiler.runtime.server.prediction import read_json
from aimass_compiler.runtime.server.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.prediction import Predictor


class Asked(NamedTuple):
    """A request for predictions, its body read."""

    body: bytes
    headers: Mapping[bytes, bytes]
    limit: onnxruntime.RunOptions | None = None


class PlainEndpoint:
    """Answers `{"rows": [...]}` with `{"model", "version", "predictions": [...]}`."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._labels = predictor.signature.labels
        self._names = frozenset(field.name for field in predictor.signature.fields)

    def answer(self, asked: Asked) -> Answer:
        """Predict; raises RequestError for what is not a row of this model."""
        rows = rows_of(read_json(asked.body), self._names)
        tensors = self._predictor.reader.tensors(rows)
        prediction = self._predictor.predict(tensors, asked.limit)
        document = {
            "model": self._predictor.signature.model,
            "version": self._predictor.signature.version,
            "predictions": self._predictions(prediction.outputs),
        }
        # numpy's float32 values are written with as few digits as float32 needs.
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        return Answer(200, body, prediction=prediction)

    def _predictions(self, outputs: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
        if not self._labels:
            return [{"prediction": value} for value in outputs[conventions.PREDICTION_OUTPUT]]
        labels = outputs[conventions.LABEL_OUTPUT].tolist()
        probabilities = outputs[conventions.PROBABILITIES_OUTPUT]
        return [
            {"label": label, "probabilities": dict(zip(self._labels, row, strict=True))}
            for label, row in zip(labels, probabilities, strict=True)
        ]
