"""Random flips: half of the images mirrored."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from aimass_compiler.catalog.augmentation import Augmentation

if TYPE_CHECKING:
    import numpy


class Flip(Augmentation):
    """Mirror half of the images, where what they show is the same in a mirror: a cat is, a letter is not."""

    short_form: ClassVar[str | None] = "axis"

    axis: Literal["horizontal", "vertical", "both"] = "horizontal"
    """What is exchanged: left and right, top and bottom, or each of the two by its own chance."""

    def drawn(self, chance: numpy.random.Generator, count: int) -> numpy.ndarray:
        import numpy

        axes = numpy.array([self.axis != "horizontal", self.axis != "vertical"])
        is_flipped: numpy.ndarray = (chance.random((count, 2)) < 1 / 2) & axes
        return is_flipped

    def applied(self, images: numpy.ndarray, drawn: numpy.ndarray) -> numpy.ndarray:
        flipped = images.copy()
        upside_down, mirrored = drawn.T
        flipped[upside_down] = flipped[upside_down][:, :, ::-1]
        flipped[mirrored] = flipped[mirrored][:, :, :, ::-1]
        return flipped
