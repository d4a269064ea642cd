"""POST /predict: rows as people write them, predictions as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from aimass_compiler.runtime.server.answer import Answer
from aimass_compiler.runtime.server.golden import predictions_of
from aimass_compiler.runtime.server.question import Question
from aimass_compiler.runtime.server.rows import RowReader, read_json, rows_of

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.answer import Prediction
    from aimass_compiler.runtime.server.question import Asked
    from aimass_compiler.runtime.server.signature import Signature


class PlainEndpoint:
    """Answers `{"rows": [...]}` with `{"model", "version", "predictions": [...]}`."""

    def __init__(self, signature: Signature, most_values: int) -> None:
        self._signature = signature
        self._reader = RowReader(signature, most_values)
        self._names = frozenset(field.name for field in signature.fields)

    def read(self, asked: Asked) -> Question:
        """The rows as tensors; raises RequestError for what is not a row of this model."""
        rows = rows_of(read_json(asked.body), self._names)
        return Question(self._reader.tensors(rows), self._written)

    def _written(self, prediction: Prediction) -> Answer:
        document = {
            "model": self._signature.model,
            "version": self._signature.version,
            "predictions": predictions_of(self._signature, prediction.outputs),
        }
        # numpy's float32 values are written with as few digits as float32 needs.
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        return Answer(200, body, prediction=prediction)
