"""Random changes of brightness, contrast and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.augmentation import Augmentation
from aimass_compiler.catalog.quantities import Number

if TYPE_CHECKING:
    import numpy


class Color(Augmentation):
    """Change brightness and contrast of each image, and its channels apart.

    All are measured in the image's own spread, so that they mean the same before and behind `standardize`.
    """

    brightness: Number = Field(0.2, ge=0, le=1)
    """The largest shift, as a share of the image's standard deviation."""
    contrast: Number = Field(0.2, ge=0, lt=1)
    """The largest change of the spread around the image's mean, as a share of it."""
    channels: Number = Field(0.0, ge=0, le=1)
    """The largest shift of one channel, as a share of the image's standard deviation: a tint."""

    def drawn(self, chance: numpy.random.Generator, count: int) -> numpy.ndarray:
        # Of up to four channels each has a number, so that a channel more moves no other chance.
        return chance.uniform(-1, 1, (count, 6))

    def applied(self, images: numpy.ndarray, drawn: numpy.ndarray) -> numpy.ndarray:
        pixels = (1, 2, 3)
        mean, spread = images.mean(pixels, keepdims=True), images.std(pixels, keepdims=True)
        shift, factor, tint = drawn[:, :1], drawn[:, 1:2], drawn[:, 2 : 2 + images.shape[1]]
        moved = (self.brightness * shift + self.channels * tint)[:, :, None, None]
        stretched = (images - mean) * (1 + self.contrast * factor[:, :, None, None])
        changed: numpy.ndarray = (stretched + mean + moved * spread).astype(images.dtype)
        return changed
