"""The column contract held against tensors, and which column makes a prediction overflow."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions, timestamps
from aimass_compiler.runtime.server.response import RequestError, shown, violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Field, Signature


_LARGEST = numpy.finfo(numpy.float64).max
_LISTED = 12
MISSING = "must have a value: this model was not trained to do without it"


class ColumnContract:
    """What the columns of one model may hold, ready to be compared with whole tensors."""

    def __init__(self, signature: Signature) -> None:
        self._numbers = signature.numbers
        self._strings = signature.strings
        self._images = signature.images
        # Infinity lies outside these bounds too, and NaN inside none: one comparison finds both.
        self._low = _bounds([field.minimum for field in signature.numbers], -_LARGEST)
        self._high = _bounds([field.maximum for field in signature.numbers], _LARGEST)
        self._ends = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        self._required = numpy.array([not field.nullable for field in signature.numbers], dtype=bool)
        self._allowed = [_allowed(field) for field in signature.strings]

    def check(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Raise RequestError (422) for the first value that its column does not accept."""
        if self._numbers:
            self._check_numbers(tensors[conventions.NUMBERS_TENSOR])
        if self._strings:
            self._check_strings(tensors[conventions.STRINGS_TENSOR])
        for field in self._images:
            _check_images(field, tensors[field.tensor])
            _check_bounds(field, tensors[field.tensor])

    def _check_numbers(self, numbers: NDArray[numpy.float64]) -> None:
        if self._are_within(numbers):
            return
        broken = (numbers < self._low) | (numbers > self._high) | (numpy.isnan(numbers) & self._required)
        if broken.any():
            row, column = numpy.argwhere(broken)[0].tolist()
            field = self._numbers[column]
            raise violation(field.name, row, _outside(field, float(numbers[row, column])))

    def _are_within(self, numbers: NDArray[numpy.float64]) -> bool:
        if len(numbers) > 1:
            return bool(((numbers >= self._low) & (numbers <= self._high)).all())
        # For one row, starting numpy's four loops costs more than what they would do.
        for value, (low, high) in zip(numbers[0].tolist(), self._ends, strict=True):
            if not low <= value <= high:
                return False
        return True

    def _check_strings(self, strings: NDArray[Any]) -> None:
        for field, allowed, column in zip(self._strings, self._allowed, strings.T.tolist(), strict=True):
            broken = _first_broken(field, allowed, column)
            if broken is not None:
                raise violation(field.name, broken, _not_accepted(field, column[broken]))


def _bounds(ends: list[float | None], otherwise: float) -> NDArray[numpy.float64]:
    return numpy.array([otherwise if end is None else end for end in ends], dtype=numpy.float64)


def _allowed(field: Field) -> frozenset[str] | None:
    if field.values is None:
        return None
    return frozenset((*field.values, "") if field.nullable else field.values)


def _first_broken(field: Field, allowed: frozenset[str] | None, column: list[str]) -> int | None:
    if allowed is not None:
        if allowed.issuperset(column):
            return None
        return next(row for row, value in enumerate(column) if value not in allowed)
    return None if field.nullable or "" not in column else column.index("")


def _check_images(field: Field, images: NDArray[numpy.float32]) -> None:
    finite = numpy.isfinite(images)
    if finite.all():
        return
    whole = _ended(finite, images) if field.is_series else finite.reshape(len(images), -1).all(axis=1)
    absent = numpy.asarray(numpy.isnan(images).reshape(len(images), -1).all(axis=1))
    broken = ~whole & ~absent if field.nullable else ~whole
    if broken.any():
        row = int(broken.argmax())
        raise violation(field.name, row, MISSING if absent[row] else "holds numbers that are not finite")


def _check_bounds(field: Field, numbers: NDArray[numpy.float32]) -> None:
    """Numbers that are known ahead have bounds as others have, for each step."""
    if field.minimum is None and field.maximum is None:
        return
    low = numpy.float32(-numpy.inf if field.minimum is None else field.minimum)
    high = numpy.float32(numpy.inf if field.maximum is None else field.maximum)
    broken = (numbers < low) | (numbers > high)
    if broken.any():
        row, *place = numpy.argwhere(broken)[0].tolist()
        raise violation(field.name, row, _outside(field, float(numbers[row, *place])))


def _ended(finite: NDArray[numpy.bool_], series: NDArray[numpy.float32]) -> NDArray[numpy.bool_]:
    """Which series, [N, L, C], have finite numbers up to a last step, and NaN behind it."""
    present = numpy.asarray(finite.all(axis=2))
    is_behind = numpy.isnan(series).all(axis=2)
    is_ordered = (present[:, 1:] <= present[:, :-1]).all(axis=1)
    return numpy.asarray((present | is_behind).all(axis=1) & is_ordered & present[:, 0])


def _outside(field: Field, value: float) -> str:
    if numpy.isnan(value):
        return MISSING
    if numpy.isinf(value):
        return f"must be a finite number, not {'' if value > 0 else '-'}Infinity"
    if field.minimum is not None and value < field.minimum:
        return f"must be at least {field.minimum:.12g}, not {value:.12g}"
    return f"must be at most {field.maximum:.12g}, not {value:.12g}"


def _not_accepted(field: Field, value: str) -> str:
    if value == "":
        return MISSING
    hint = nearest(value, field.values or ())
    return f"must be one of the names that were declared, not {shown(value)}{'; ' if hint else ''}{hint}"


def require_room(rows: int, width: int, most_values: int) -> None:
    """Raise RequestError (413) for more values than a body of the largest size could spell out.

    Columns that are left out take up memory, too, and cost their caller nothing.
    """
    if rows * width > most_values:
        message = (
            f"{rows} rows of {width} values are more than the {most_values} values that are taken at once"
        )
        raise RequestError(413, f"{message}; send fewer rows at once")


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint for a misspelt name: the nearest one, or the few there are (difflib, cutoff 0.6)."""
    names = sorted(known)
    near = get_close_matches(word[:100], names, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return "known here: " + ", ".join(f"`{name}`" for name in names) if 0 < len(names) <= _LISTED else ""


def unknown(name: str, row: int, signature: Signature) -> RequestError:
    """A field that the model does not have."""
    hint = nearest(name, [field.name for field in signature.fields] + sorted(signature.ignored))
    message = f"row {row}: there is no field {shown(name)}{'; ' if hint else ''}{hint}"
    return RequestError(422, message, name[:100], row)


#: Columns of a row that are tried; those with the largest numbers.
_TRIED = 64


def overflow(
    signature: Signature,
    run: Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
    tensors: Mapping[str, NDArray[Any]],
    scores: NDArray[Any],
) -> RequestError | RuntimeError:
    """The refusal of the first row whose `scores` are not finite; our error where no number is to blame.

    The column is found by trial: the model is `run` on the row again, with one number after another replaced
    by that of the package's example.
    """
    row = int((~numpy.isfinite(scores).reshape(len(scores), -1).all(axis=1)).argmax())
    alone = {name: tensor[row : row + 1] for name, tensor in tensors.items()}
    if signature.numbers:
        place = _to_blame(signature, run, alone)
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
    run: Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
    alone: Mapping[str, NDArray[Any]],
) -> int:
    """The place of the number without which the model computes, or else of the largest."""
    numbers = alone[conventions.NUMBERS_TENSOR][0]
    order = numpy.argsort(-numpy.nan_to_num(numpy.abs(numbers), nan=-1.0))[:_TRIED]
    tried = {name: numpy.repeat(tensor, len(order), axis=0) for name, tensor in alone.items()}
    for at, place in enumerate(order):
        usual = _usual(signature.numbers[place], signature.example)
        tried[conventions.NUMBERS_TENSOR][at, place] = numpy.nan if usual is None else usual
    scores = next(iter(run(tried).values()))
    helped = numpy.isfinite(scores).reshape(len(order), -1).all(axis=1)
    return int(order[int(helped.argmax())])


def _usual(field: Field, example: Mapping[str, Any]) -> float | None:
    """The number that the package's example has in a column."""
    usual = example.get(field.name)
    return timestamps.seconds(usual) if isinstance(usual, str) else usual


def _refusal(field: Field, row: int, value: float, example: Mapping[str, Any]) -> RequestError:
    if field.is_time:
        message = f"is {timestamps.text(value)}, for which the prediction is not finite"
        return violation(field.name, row, f"{message}; send a time in the range of the training data")
    usual = example.get(field.name)
    such = "" if usual is None else f", such as {usual:.12g}"
    message = f"is {value:.12g}, for which the prediction is not finite"
    return violation(field.name, row, f"{message}; send a number in the range of the training data{such}")
