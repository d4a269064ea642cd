"""The target of a regression in its own standard deviations from its mean, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from msgspec import Struct

from aimass_compiler.catalog.loss import LOG_LINK

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.task import Task


class Scale(Struct, frozen=True):
    """What is subtracted from a target and what it is divided by, in double precision.

    Frameworks learn in single precision, where 1,700,000,000 and 1,700,000,063 are one number, and where
    the squares of targets like 1e-30 are 0. Of a scaled target, single precision keeps seven digits of
    what makes the rows differ.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, y: numpy.ndarray, loss: str | None = None) -> Self:
        """The scale of training targets [N]; a target that never differs is only shifted.

        For a loss of targets that are never below zero, they are divided by their mean and not shifted.
        """
        import numpy

        mean = float(numpy.mean(y, dtype=numpy.float64))
        if loss in LOG_LINK:
            return cls(0.0, mean or 1.0)
        shifted = numpy.asarray(y, numpy.float64) - mean
        largest = float(numpy.abs(shifted).max())
        if largest == 0:
            return cls(mean, 1.0)
        # Divided first, because squares of very large or small numbers leave what a double can hold.
        return cls(mean, largest * float(numpy.sqrt(numpy.mean((shifted / largest) ** 2))))

    @classmethod
    def for_task(cls, task: Task, y: numpy.ndarray, loss: str | None = None) -> Self | None:
        """The scale of a regression's training targets [N]; None for classes, which have none."""
        return None if task.is_classification else cls.of(y, loss)

    def scaled(self, y: numpy.ndarray) -> numpy.ndarray:
        """Targets in deviations from the mean, float64."""
        import numpy

        found: numpy.ndarray = (numpy.asarray(y, numpy.float64) - self.mean) / self.deviation
        return found

    def restored(self, scores: numpy.ndarray) -> numpy.ndarray:
        """Predictions in the target's own unit, float64."""
        import numpy

        found: numpy.ndarray = numpy.asarray(scores, numpy.float64) * self.deviation + self.mean
        return found


def learned_targets(y: numpy.ndarray, scale: Scale | None) -> numpy.ndarray:
    """What a model learns to predict, [N]: classes as they are, numbers scaled."""
    return y if scale is None else scale.scaled(y)


def targets(y: numpy.ndarray) -> numpy.ndarray:
    """A copy of classes [N], or of labels [N, L] as float32: their losses are of numbers from 0 to 1."""
    import numpy

    return numpy.array(y, numpy.float32 if y.ndim > 1 else y.dtype)


def unit_of_loss(loss: str, scale: Scale | None) -> float:
    """What a loss of scaled targets is multiplied by, to be in the target's unit; deviances have none."""
    return 1.0 if scale is None or loss in LOG_LINK else scale.deviation
