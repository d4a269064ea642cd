"""Random rotations by a few degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.augmentation import Augmentation, at_places
from aimass_compiler.catalog.quantities import Number

if TYPE_CHECKING:
    import numpy


class Rotate(Augmentation):
    """Turn each image around its middle, each by another angle."""

    short_form: ClassVar[str | None] = "degrees"

    degrees: Number = Field(10.0, gt=0, le=180)
    """The largest angle, in either direction."""

    def drawn(self, chance: numpy.random.Generator, count: int) -> numpy.ndarray:
        return chance.uniform(-self.degrees, self.degrees, count)

    def applied(self, images: numpy.ndarray, drawn: numpy.ndarray) -> numpy.ndarray:
        import numpy

        middle = [(size - 1) / 2 for size in images.shape[2:]]
        places = numpy.indices(images.shape[2:])
        rows, columns = places[0] - middle[0], places[1] - middle[1]
        angles = numpy.radians(drawn)[:, None, None]
        cosine, sine = numpy.cos(angles), numpy.sin(angles)
        return at_places(
            images, rows * cosine - columns * sine + middle[0], rows * sine + columns * cosine + middle[1]
        )
