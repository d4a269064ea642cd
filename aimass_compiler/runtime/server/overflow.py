"""Finite inputs whose prediction is not finite: which column causes it, with a hint for the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions
from aimass_compiler.runtime.server.answer import RequestError, violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model import Model
    from aimass_compiler.runtime.server.signature import Field, Signature

#: Columns of a row that are tried; those with the largest numbers.
_TRIED = 64


def overflow(
    signature: Signature,
    model: Model,
    tensors: Mapping[str, NDArray[Any]],
    scores: NDArray[Any],
    limit: onnxruntime.RunOptions | None,
) -> RequestError | RuntimeError:
    """The refusal of the first row whose `scores` are not finite; our error where no number is to blame.

    The column is found by trial: the row is asked again with one number after the other replaced by that of
    the package's example.
    """
    row = int((~numpy.isfinite(scores).reshape(len(scores), -1).all(axis=1)).argmax())
    alone = {name: tensor[row : row + 1] for name, tensor in tensors.items()}
    if signature.numbers:
        place = _to_blame(signature, model, alone, limit)
        value = float(alone[conventions.NUMBERS_TENSOR][0, place])
        if not numpy.isnan(value):
            return _refusal(signature.numbers[place], row, value, signature.example)
    if signature.images:
        message = "holds numbers that are too large: the prediction is not finite"
        return violation(
            signature.images[0].name, row, f"{message}; send images like those in the training data"
        )
    return RuntimeError(f"the prediction for row {row} is not finite")


def _to_blame(
    signature: Signature,
    model: Model,
    alone: Mapping[str, NDArray[Any]],
    limit: onnxruntime.RunOptions | None,
) -> int:
    """The place of the number without which the model computes, or else of the largest."""
    numbers = alone[conventions.NUMBERS_TENSOR][0]
    order = numpy.argsort(-numpy.nan_to_num(numpy.abs(numbers), nan=-1.0))[:_TRIED]
    tried = {name: numpy.repeat(tensor, len(order), axis=0) for name, tensor in alone.items()}
    for at, place in enumerate(order):
        usual = signature.example.get(signature.numbers[place].name)
        tried[conventions.NUMBERS_TENSOR][at, place] = numpy.nan if usual is None else usual
    scores = next(iter(model.run(tried, limit).values()))
    helped = numpy.isfinite(scores).reshape(len(order), -1).all(axis=1)
    return int(order[int(helped.argmax())])


def _refusal(field: Field, row: int, value: float, example: Mapping[str, Any]) -> RequestError:
    usual = example.get(field.name)
    such = "" if usual is None else f", such as {usual:.12g}"
    message = f"is {value:.12g}, for which the prediction is not finite"
    return violation(field.name, row, f"{message}; send a number in the range of the training data{such}")
