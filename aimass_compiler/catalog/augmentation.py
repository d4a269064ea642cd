"""Data augmentation of images: what chance decides for each image of a batch, and what is made of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    import numpy


class Augmentation(Kind):
    """A change of images that keeps what they show: each epoch shows them a little differently.

    Only training rows are augmented, as the model reads them, behind all transforms. What is evaluated and
    served is never changed. Images are float32 [N, C, H, W] in any range.
    """

    @abstractmethod
    def drawn(self, chance: numpy.random.Generator, count: int) -> numpy.ndarray:
        """What chance decides for each of so many images, [N, …]."""

    @abstractmethod
    def applied(self, images: numpy.ndarray, drawn: numpy.ndarray) -> numpy.ndarray:
        """New images of the same shape; those that are read are left as they are."""


def at_places(images: numpy.ndarray, rows: numpy.ndarray, columns: numpy.ndarray) -> numpy.ndarray:
    """Images that have at each pixel [N, H, W] what lies at these rows and columns, between pixels too.

    Interpolated bilinearly; beyond an edge lies what is on it.
    """
    import numpy

    count, _, height, width = images.shape
    rows, columns = numpy.clip(rows, 0, height - 1), numpy.clip(columns, 0, width - 1)
    above, before = numpy.floor(rows).astype(int), numpy.floor(columns).astype(int)
    below, behind = numpy.minimum(above + 1, height - 1), numpy.minimum(before + 1, width - 1)
    down, right = ((part - whole)[:, None] for part, whole in ((rows, above), (columns, before)))
    each = numpy.arange(count)[:, None, None]
    by_pixel = images.transpose(0, 2, 3, 1)

    def values(at_rows: numpy.ndarray, at_columns: numpy.ndarray) -> numpy.ndarray:
        found: numpy.ndarray = by_pixel[each, at_rows, at_columns].transpose(0, 3, 1, 2)
        return found

    upper = values(above, before) * (1 - right) + values(above, behind) * right
    lower = values(below, before) * (1 - right) + values(below, behind) * right
    between: numpy.ndarray = (upper * (1 - down) + lower * down).astype(images.dtype)
    return between
