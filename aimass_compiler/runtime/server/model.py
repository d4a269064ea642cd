"""The ONNX graph behind its contract, asked golden rows before it is served."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import orjson

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.array_drift import measured
from aimass_compiler.runtime.server.contract import ColumnContract, overflow
from aimass_compiler.runtime.server.response import Prediction, RequestError, ServerFailure
from aimass_compiler.runtime.server.row_parts import row_parts
from aimass_compiler.runtime.server.rows import RowReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.package import Package


Tensors = dict[str, "NDArray[Any]"]
#: onnxruntime's name of a type, and all sizes but the first.
_Shape = tuple[str, tuple[int, ...]]


class OnnxModel:
    """One onnxruntime session; `outputs` names what it answers, in order.

    Behind what the signature promises callers is the distance of its representation, where that is watched.
    """

    def __init__(self, package: Package, threads: int, *, is_frugal: bool = False) -> None:
        """Load the graph; raises ServerFailure when it is damaged or does not fit its signature.

        A frugal one keeps no memory between predictions.
        """
        own = tuple(output["name"] for output in package.signature.outputs)
        is_watched = "representation" in package.reference
        self.outputs = (*own, conventions.DISTANCE_OUTPUT) if is_watched else own
        try:
            self._session = onnxruntime.InferenceSession(
                package.model, _options(threads, is_frugal=is_frugal), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a class of its own for every status
            raise ServerFailure(ExitCode.PACKAGE, f"model.onnx cannot be loaded: {error}") from error
        if is_frugal:
            # Kept for execution providers to fall back on, of which there is but one.
            self._session._model_bytes = None  # noqa: SLF001  # nothing public lets it go
        _compare("reads", _inputs(package.signature), self._session.get_inputs())
        watched = {conventions.DISTANCE_OUTPUT: ("tensor(double)", ())} if is_watched else {}
        _compare("answers", _outputs(package.signature) | watched, self._session.get_outputs())

    def run(
        self, tensors: Mapping[str, NDArray[Any]], limit: onnxruntime.RunOptions | None = None
    ) -> Tensors:
        """The outputs by name; setting `limit.terminate` from another thread ends the run early.

        Many rows, and long texts, are run part by part.
        """
        parts = list(row_parts(tensors))
        if len(parts) == 1:
            return dict(zip(self.outputs, self._session.run(self.outputs, tensors, limit), strict=True))
        found = [
            self._session.run(self.outputs, {name: tensor[part] for name, tensor in tensors.items()}, limit)
            for part in parts
        ]
        joined = (numpy.concatenate(outputs) for outputs in zip(*found, strict=True))
        return dict(zip(self.outputs, joined, strict=True))


def _inputs(signature: Signature) -> dict[str, _Shape]:
    types = {conventions.NUMBERS_TENSOR: "tensor(double)", conventions.STRINGS_TENSOR: "tensor(string)"}
    packed = {name: (types[name], (len(fields),)) for name, fields in signature.packed.items()}
    images = {field.tensor: ("tensor(float)", field.shape) for field in signature.images}
    return packed | images


def _outputs(signature: Signature) -> dict[str, _Shape]:
    datatypes = {
        "FP32": "tensor(float)",
        "FP64": "tensor(double)",
        "BYTES": "tensor(string)",
        "BOOL": "tensor(bool)",
    }
    return {
        output["name"]: (datatypes[output["datatype"]], tuple(output["shape"][1:]))
        for output in signature.outputs
    }


def _compare(verb: str, declared: Mapping[str, _Shape], tensors: Sequence[onnxruntime.NodeArg]) -> None:
    """Raise ServerFailure where names, types or sizes differ; the first size is that of the rows."""
    found = {tensor.name: (tensor.type, tuple(tensor.shape[1:])) for tensor in tensors}
    if declared == found:
        return
    differing = sorted(name for name in declared.keys() | found if declared.get(name) != found.get(name))
    problem = f"model.onnx {verb} {_shown_shapes(found, differing)}, but signature.json declares"
    message = f"{problem} {_shown_shapes(declared, differing)}; package the model again"
    raise ServerFailure(ExitCode.PACKAGE, message)


def _shown_shapes(shapes: Mapping[str, _Shape], names: Sequence[str]) -> str:
    described = [f"`{name}` {shapes[name][0]} {[-1, *shapes[name][1]]}" for name in names if name in shapes]
    return ", ".join(described) or "nothing else"


def _options(threads: int, *, is_frugal: bool) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = options.enable_mem_pattern = not is_frugal
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between predictions would use up the CPU that a container is given.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


#: So often, or for so long: some models take half a second for a row.
_WARM_UPS, _WARM_UP_SECONDS = 20, 1.0
_FEW = 32
#: As many rows as show what one more takes, and no more than fit into this time and this body.
_MANY_ROWS = 1000
_PACE_SECONDS = 0.1
_PACE_BYTES = 1 << 20


class ContractModel:
    """Checks tensors and runs the model on them."""

    def __init__(self, signature: Signature, model: OnnxModel) -> None:
        self._signature = signature
        self._contract = ColumnContract(signature)
        self._scores = conventions.PROBABILITIES_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
        self._model = model
        self._image_tensors = frozenset(field.tensor for field in signature.images)

    def predict(self, tensors: Tensors, limit: onnxruntime.RunOptions | None = None) -> Prediction:
        """The outputs by name.

        Raises RequestError (422) for a value that the contract refuses, or with which the model computes no
        finite number.
        """
        self._contract.check(tensors)
        began = time.monotonic()
        outputs = self._model.run(tensors, limit)
        ended = time.monotonic()
        if not _are_finite(outputs[self._scores]):
            run = partial(self._model.run, limit=limit)
            raise overflow(self._signature, run, tensors, outputs[self._scores])
        rows = len(next(iter(outputs.values())))
        if self._image_tensors:
            others = {name: tensor for name, tensor in tensors.items() if name not in self._image_tensors}
            tensors = others | measured(self._signature.images, tensors)
        return Prediction(rows, tensors, outputs, began, ended)

    def warm_up(self) -> float:
        """The seconds that the example row takes once everything is warm; nothing is counted.

        Raises ServerFailure when the package's own example breaks its contract.
        """
        signature = self._signature
        reader = RowReader(signature, signature.width)
        quickest, began = float("inf"), time.perf_counter()
        for _ in range(_WARM_UPS):
            started = time.perf_counter()
            try:
                self.predict(reader.tensors([dict(signature.example)]))
            except RequestError as error:
                message = f"the example of {conventions.SIGNATURE_FILE} breaks its contract: {error.message}"
                raise ServerFailure(ExitCode.PACKAGE, f"{message}; package the model again") from error
            quickest = min(quickest, time.perf_counter() - started)
            if time.perf_counter() - began > _WARM_UP_SECONDS:
                break
        return quickest

    def pace(self, seconds: float) -> float:
        """How many bytes of rows are predicted in a second, when one row takes so long."""
        signature = self._signature
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


#: Apart from one machine to another, absolutely and beyond 1 relatively: float32 sums in another order.
_TOLERANCE = 1e-4


def predictions_of(signature: Signature, outputs: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """What /predict answers, one object a row."""
    if signature.horizon is not None:
        names = conventions.FORECAST_OUTPUTS
        rows = zip(*(outputs[name].tolist() for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    if not signature.labels:
        answered = [output["name"] for output in signature.outputs]
        values = zip(*(outputs[name] for name in answered), strict=True)
        return [dict(zip(answered, row, strict=True)) for row in values]
    if signature.thresholds:
        given, chances = outputs[conventions.LABELS_OUTPUT], outputs[conventions.PROBABILITIES_OUTPUT]
        return [
            {
                "labels": [name for name, is_given in zip(signature.labels, own, strict=True) if is_given],
                "probabilities": dict(zip(signature.labels, row, strict=True)),
            }
            for own, row in zip(given.tolist(), chances, strict=True)
        ]
    labels = outputs[conventions.LABEL_OUTPUT].tolist()
    return [
        {"label": label, "probabilities": dict(zip(signature.labels, row, strict=True))}
        for label, row in zip(labels, outputs[conventions.PROBABILITIES_OUTPUT], strict=True)
    ]


def verify_golden_rows(package: Package, predictor: ContractModel) -> None:
    """Ask the golden rows; raises ServerFailure where one is answered otherwise than was evaluated."""
    rows, expected = (_objects(package.golden.get(key)) for key in ("rows", "predictions"))
    if not rows or len(rows) != len(expected):
        raise _failure("has no rows with as many predictions")
    signature = package.signature
    try:
        tensors = RowReader(signature, len(rows) * signature.width).tensors([dict(row) for row in rows])
        outputs = predictor.predict(tensors).outputs
    except RequestError as error:
        raise _failure(f"breaks the contract of {conventions.SIGNATURE_FILE}: {error.message}") from error
    for place, (found, wanted) in enumerate(zip(predictions_of(signature, outputs), expected, strict=True)):
        if not _agree(found, wanted, signature):
            message = f"row {place} is answered {_in_words(found)}, where {_in_words(wanted)} was evaluated"
            raise _failure(f"does not fit the model and its signature: {message}")


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The value where it is a list of objects, else none."""
    return value if isinstance(value, list) and all(isinstance(item, Mapping) for item in value) else ()


def _agree(found: Mapping[str, Any], wanted: Mapping[str, Any], signature: Signature) -> bool:
    """Whether a prediction is near enough; where two labels are as near, it may be either."""
    decision = signature.decision
    if signature.thresholds:
        return _agree_on_labels(found, wanted, signature)
    if "prediction" in found:
        named = "prediction" in wanted and wanted.keys() <= found.keys()
        return named and all(_is_near(found[name], each) for name, each in wanted.items())
    shares, expected, label = found["probabilities"], wanted.get("probabilities"), wanted.get("label")
    if not isinstance(expected, Mapping) or shares.keys() != expected.keys() or label not in list(shares):
        return False
    if decision is not None:
        is_given = found["label"] == label or _is_near(shares[decision.positive], decision.threshold)
    else:
        is_given = all(
            _is_near(shares[label], most) for most in (max(shares.values()), shares[found["label"]])
        )
    return is_given and all(_is_near(share, expected[name]) for name, share in shares.items())


def _agree_on_labels(found: Mapping[str, Any], wanted: Mapping[str, Any], signature: Signature) -> bool:
    """Whether the probabilities are near, and each label is given to both unless it is on its threshold."""
    shares, expected, given = found["probabilities"], wanted.get("probabilities"), wanted.get("labels")
    if not isinstance(expected, Mapping) or shares.keys() != expected.keys() or not isinstance(given, list):
        return False
    return set(given) <= set(shares) and all(
        _is_near(shares[name], expected[name])
        and ((name in found["labels"]) == (name in given) or _is_near(shares[name], limit))
        for name, limit in zip(signature.labels, signature.thresholds, strict=True)
    )


def _is_near(found: Any, wanted: Any) -> bool:
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_is_near, found, wanted))
    if not isinstance(wanted, int | float) and not hasattr(wanted, "dtype"):
        return False
    return math.isclose(found, wanted, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _in_words(prediction: Mapping[str, Any]) -> str:
    if "labels" in prediction:
        return f"{prediction['labels']} ({prediction.get('probabilities')})"[:200]
    answer = prediction.get("label", prediction.get("prediction"))
    shares: Any = prediction.get("probabilities")
    if not isinstance(shares, Mapping) or answer not in list(shares):
        return f"{answer}"[:60]
    return f"{answer}"[:60] + f" ({shares[answer]})"


def _failure(what: str) -> ServerFailure:
    message = f"{conventions.GOLDEN_FILE} {what}; package the model again"
    return ServerFailure(ExitCode.PACKAGE, message)
