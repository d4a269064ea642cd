"""The model behind its contract."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy
import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import Prediction, RequestError
from aimass_compiler.runtime.server.contract import Contract
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure
from aimass_compiler.runtime.server.overflow import overflow
from aimass_compiler.runtime.server.rows import RowReader

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model import Model, Tensors
    from aimass_compiler.runtime.server.signature import Signature

_WARM_UPS = 20
_FEW = 32
#: As many rows as show what one more takes, and no more than fit into this time and this body.
_MANY_ROWS = 1000
_PACE_SECONDS = 0.1
_PACE_BYTES = 1 << 20


class Predictor:
    """Checks tensors and runs the model on them."""

    def __init__(self, signature: Signature, model: Model) -> None:
        self._signature = signature
        self._contract = Contract(signature)
        self._scores = conventions.PROBABILITIES_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
        self._model = model
        self._pictures = frozenset(field.tensor for field in signature.images)

    def predict(self, tensors: Tensors, limit: onnxruntime.RunOptions | None = None) -> Prediction:
        """The outputs by name.

        Raises RequestError (422) for a value that the contract refuses, or with which the model computes no
        finite number.
        """
        self._contract.check(tensors)
        outputs = self._model.run(tensors, limit)
        if not _are_finite(outputs[self._scores]):
            raise overflow(self._signature, self._model, tensors, outputs[self._scores], limit)
        rows = len(next(iter(outputs.values())))
        if self._pictures:
            tensors = {name: tensor for name, tensor in tensors.items() if name not in self._pictures}
        return Prediction(rows, tensors, outputs)

    def warm_up(self, signature: Signature) -> float:
        """The seconds that the example row takes once everything is warm; nothing is counted.

        Raises ServerFailure when the package's own example breaks its contract.
        """
        reader = RowReader(signature, signature.width)
        quickest = float("inf")
        for _ in range(_WARM_UPS):
            started = time.perf_counter()
            try:
                self.predict(reader.tensors([dict(signature.example)]))
            except RequestError as error:
                message = f"the example of {conventions.SIGNATURE_FILE} breaks its contract: {error.message}"
                raise ServerFailure(ExitCode.PACKAGE, f"{message}; package the model again") from error
            quickest = min(quickest, time.perf_counter() - started)
            if quickest > 1:
                break
        return quickest

    def pace(self, signature: Signature, seconds: float) -> float:
        """How many bytes of rows are predicted in a second, when one row takes so long."""
        size = len(orjson.dumps(signature.example))
        count = max(1, min(_MANY_ROWS, int(_PACE_SECONDS / seconds), _PACE_BYTES // size))
        reader = RowReader(signature, signature.width * count)
        started = time.perf_counter()
        self.predict(reader.tensors([dict(signature.example)] * count))
        return size * count / (time.perf_counter() - started)


def _are_finite(scores: NDArray[Any]) -> bool:
    # For one row of few numbers, starting numpy's loops costs more than what they would do.
    if scores.size <= _FEW:
        return all(map(math.isfinite, scores.ravel().tolist()))
    return bool(numpy.isfinite(scores).all())
