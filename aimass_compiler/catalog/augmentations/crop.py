"""Random crops: images moved by a few pixels, their edges repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.augmentation import Augmentation, at_places
from aimass_compiler.catalog.quantities import Integer

if TYPE_CHECKING:
    import numpy


class Crop(Augmentation):
    """Extend the edges by a few pixels, and cut an image of the same size out of that anywhere.

    Source: He, Zhang, Ren and Sun (2016), 4.2, with edges repeated and not zero, which is no grey of images
    in any range.
    """

    short_form: ClassVar[str | None] = "pixels"

    pixels: Integer = Field(4, ge=1, le=1024)
    """How far an image moves at most, in each direction."""

    def drawn(self, chance: numpy.random.Generator, count: int) -> numpy.ndarray:
        return chance.integers(-self.pixels, self.pixels, (count, 2), endpoint=True)

    def applied(self, images: numpy.ndarray, drawn: numpy.ndarray) -> numpy.ndarray:
        import numpy

        rows, columns = numpy.indices(images.shape[2:])
        return at_places(images, rows + drawn[:, :1, None], columns + drawn[:, 1:, None])
