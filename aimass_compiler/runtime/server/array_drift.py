"""What of an image or a series is watched: a few numbers of each row, which move when its source does.

Training and serving ask the same functions. All are of arrays whose first axis is the rows; a number is NaN
where a row holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.runtime.server.model_signature import Field

    Numbers = NDArray[numpy.float64]

Measured = Callable[["NDArray[numpy.float32]"], "Numbers"]
#: Channels of a series that are watched: those behind would make a metric each.
_CHANNELS = 8


def numbers_of(kind: str, shape: tuple[int, ...]) -> Mapping[str, Measured]:
    """Of a column of this type, by what their names end with; nothing of one that is not watched."""
    return NUMBERS_OF[kind](shape) if kind in NUMBERS_OF else {}


def measured(fields: Sequence[Field], tensors: Mapping[str, NDArray[Any]]) -> dict[str, Numbers]:
    """The numbers of these columns, [N, K], each by the name of its tensor, which is too large to be kept."""
    found = {}
    for field in fields:
        numbers = numbers_of(field.type, field.shape).values()
        if numbers:
            found[field.tensor] = numpy.stack([each(tensors[field.tensor]) for each in numbers], axis=1)
    return found


def numbers_of_image(shape: tuple[int, ...]) -> Mapping[str, Measured]:
    """Of images, [N, channels, rows, columns], by what their names end with."""
    del shape
    return {" (brightness)": _brightness, " (contrast)": _contrast, " (sharpness)": _sharpness}


def numbers_of_series(shape: tuple[int, ...]) -> Mapping[str, Measured]:
    """Of series, [N, steps, channels] with NaN behind the last step, by what their names end with."""
    channels = shape[-1]
    if channels == 1:
        return {" (steps)": _steps, " (mean)": partial(_mean, channel=0)}
    named = {
        f" (mean of channel {place})": partial(_mean, channel=place)
        for place in range(min(channels, _CHANNELS))
    }
    return {" (steps)": _steps, **named}


def _brightness(images: NDArray[numpy.float32]) -> Numbers:
    """The mean of all pixels and channels."""
    return numpy.asarray(images.reshape(len(images), -1).mean(axis=1, dtype=numpy.float64))


def _contrast(images: NDArray[numpy.float32]) -> Numbers:
    """Their standard deviation, without a second array as large as the first."""
    flat = images.reshape(len(images), -1)
    squares = numpy.einsum("ij,ij->i", flat, flat).astype(numpy.float64) / flat.shape[1]
    variance = squares - _brightness(images) ** 2
    return numpy.asarray(numpy.sqrt(numpy.maximum(variance, 0.0)))


def _sharpness(images: NDArray[numpy.float32]) -> Numbers:
    """How much neighbouring pixels differ, on average: little where an image was enlarged to its shape."""
    apart = numpy.zeros(len(images))
    pairs = 0
    for axis in (2, 3):
        steps = numpy.abs(numpy.diff(images, axis=axis)).reshape(len(images), -1)
        apart += steps.sum(axis=1, dtype=numpy.float64)
        pairs += steps.shape[1]
    return apart / max(pairs, 1)


def _steps(series: NDArray[numpy.float32]) -> Numbers:
    """How many steps there are."""
    counts = numpy.isfinite(series).any(axis=2).sum(axis=1).astype(numpy.float64)
    return numpy.where(counts > 0, counts, numpy.nan)


def _mean(series: NDArray[numpy.float32], channel: int) -> Numbers:
    """The mean of a channel over the steps that there are."""
    values = series[:, :, channel].astype(numpy.float64)
    there = numpy.isfinite(values)
    counts = there.sum(axis=1)
    sums = numpy.where(there, values, 0.0).sum(axis=1)
    return numpy.where(counts > 0, sums / numpy.maximum(counts, 1), numpy.nan)


#: By the type of a column.
NUMBERS_OF: Mapping[str, Callable[[tuple[int, ...]], Mapping[str, Measured]]] = {
    "image": numbers_of_image,
    "series": numbers_of_series,
}
