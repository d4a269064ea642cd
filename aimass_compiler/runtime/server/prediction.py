"""The model behind its contract, and the reports that every prediction leaves."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import RequestError
from aimass_compiler.runtime.server.contract import Contract
from aimass_compiler.runtime.server.drift import PREDICTION
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure
from aimass_compiler.runtime.server.rows import RowReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime

    from aimass_compiler.runtime.server.drift import Drift
    from aimass_compiler.runtime.server.metrics import Metrics
    from aimass_compiler.runtime.server.model import Model, Tensors
    from aimass_compiler.runtime.server.package import Signature

_WARM_UPS = 20
_LOGGED_ROWS = 100


class Predictor:
    """Checks tensors, runs the model on them and reports what came in and went out."""

    def __init__(self, signature: Signature, model: Model, drift: Drift, metrics: Metrics) -> None:
        self.signature = signature
        self.reader = RowReader(signature)
        self._contract = Contract(signature)
        self._model = model
        self._drift = drift
        self._metrics = metrics
        self._answer = conventions.LABEL_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT

    def predict(self, tensors: Tensors, limit: onnxruntime.RunOptions | None) -> Tensors:
        """The outputs by name; raises RequestError (422) for a value that the contract refuses."""
        self._contract.check(tensors)
        outputs = self._model.run(tensors, limit)
        predicted = outputs[self._answer]
        self._drift.observe({**tensors, PREDICTION: predicted}, len(predicted))
        self._metrics.predicted(predicted.tolist())
        return outputs

    def warm_up(self) -> float:
        """The seconds that the example row takes once everything is warm; nothing is counted.

        Raises ServerFailure when the package's own example breaks its contract.
        """
        quickest = float("inf")
        for _ in range(_WARM_UPS):
            started = time.perf_counter()
            try:
                tensors = self.reader.tensors([dict(self.signature.example)])
                self._contract.check(tensors)
            except RequestError as error:
                told = f"the example of {conventions.SIGNATURE_FILE} breaks its contract: {error.message}"
                raise ServerFailure(ExitCode.PACKAGE, f"{told}; package the model again") from error
            self._model.run(tensors)
            quickest = min(quickest, time.perf_counter() - started)
            if quickest > 1:
                break
        return quickest


class Sampler:
    """Draws the predictions that are logged with their inputs."""

    def __init__(self, signature: Signature, share: float) -> None:
        self._signature = signature
        self._share = share

    def draw(self, tensors: Tensors, outputs: Tensors) -> Mapping[str, Any] | None:
        """What to log of a prediction, or nothing; at most 100 rows, and pictures never."""
        if self._share == 0 or random.random() >= self._share:  # noqa: S311  # a sample, not a secret
            return None
        inputs = {}
        for fields in (self._signature.numbers, self._signature.strings):
            for index, field in enumerate(fields):
                inputs[field.name] = tensors[field.tensor][:_LOGGED_ROWS, index].tolist()
        return {
            "inputs": inputs,
            "outputs": {name: output[:_LOGGED_ROWS].tolist() for name, output in outputs.items()},
        }


def read_json(body: bytes | memoryview) -> Any:
    """A request's JSON; raises RequestError (400) that says where it ends to be JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}") from None
