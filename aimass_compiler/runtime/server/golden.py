"""Golden rows: what the package's model answered when it was evaluated, asked again before it is served."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import RequestError
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure
from aimass_compiler.runtime.server.rows import RowReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.package import Package
    from aimass_compiler.runtime.server.prediction import Predictor
    from aimass_compiler.runtime.server.signature import Signature

#: Apart from one machine to another, absolutely and beyond 1 relatively: float32 sums in another order.
_TOLERANCE = 1e-4


def predictions_of(signature: Signature, outputs: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """What /predict answers, one object a row."""
    if not signature.labels:
        return [{"prediction": value} for value in outputs[conventions.PREDICTION_OUTPUT]]
    labels = outputs[conventions.LABEL_OUTPUT].tolist()
    return [
        {"label": label, "probabilities": dict(zip(signature.labels, row, strict=True))}
        for label, row in zip(labels, outputs[conventions.PROBABILITIES_OUTPUT], strict=True)
    ]


def verify(package: Package, predictor: Predictor) -> None:
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
        if not _agree(found, wanted):
            message = f"row {place} is answered {_told(found)}, where {_told(wanted)} was evaluated"
            raise _failure(f"does not fit the model and its signature: {message}")


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The value where it is a list of objects, else none."""
    return value if isinstance(value, list) and all(isinstance(item, Mapping) for item in value) else ()


def _agree(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a prediction is near enough; of two classes that are as likely, either may be the label."""
    if "prediction" in found:
        return _is_near(found["prediction"], wanted.get("prediction"))
    shares, expected, label = found["probabilities"], wanted.get("probabilities"), wanted.get("label")
    if not isinstance(expected, Mapping) or shares.keys() != expected.keys() or label not in list(shares):
        return False
    is_likeliest = all(
        _is_near(shares[label], most) for most in (max(shares.values()), shares[found["label"]])
    )
    return is_likeliest and all(_is_near(share, expected[name]) for name, share in shares.items())


def _is_near(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, int | float) and not hasattr(wanted, "dtype"):
        return False
    return math.isclose(found, wanted, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _told(prediction: Mapping[str, Any]) -> str:
    answer = prediction.get("label", prediction.get("prediction"))
    shares: Any = prediction.get("probabilities")
    if not isinstance(shares, Mapping) or answer not in list(shares):
        return f"{answer}"[:60]
    return f"{answer}"[:60] + f" ({shares[answer]})"


def _failure(what: str) -> ServerFailure:
    message = f"{conventions.GOLDEN_FILE} {what}; package the model again"
    return ServerFailure(ExitCode.PACKAGE, message)
