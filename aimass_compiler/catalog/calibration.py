"""Calibrated probabilities: of the rows to which a model gives 0.3, three in ten are of the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.task import Task

#: How a curve is found: two parameters of the log-odds (Platt 1999), or steps that only rise (Zadrozny and
#: Elkan 2002), joined at their centres (Oron and Flournoy 2017), so that ranks stay.
Method = Literal["sigmoid", "isotonic"]
#: Log-odds are taken of probabilities no nearer to 0 and 1: single precision tells nothing nearer to 1.
LEAST_PROBABILITY = 1e-5


class Sigmoid(Struct, frozen=True):
    """`1 / (1 + exp(-(slope · z + offset)))` of the log-odds z."""

    slope: float
    offset: float

    def __call__(self, logits: numpy.ndarray) -> numpy.ndarray:
        import numpy

        found: numpy.ndarray = 1 / (1 + numpy.exp(-(self.slope * logits + self.offset)))
        return found


class PiecewiseLinear(Struct, frozen=True):
    """Straight lines between points, of the log-odds; before the first and behind the last, constant."""

    logits: tuple[float, ...]
    """The log-odds of the points, ascending; two at least."""
    probabilities: tuple[float, ...]

    def __call__(self, logits: numpy.ndarray) -> numpy.ndarray:
        import numpy

        found: numpy.ndarray = numpy.interp(logits, self.logits, self.probabilities)
        return found


class Calibration(Struct, frozen=True):
    """The curve of each class that is judged: of two the positive one, whose rest is the other's."""

    curves: tuple[Sigmoid | PiecewiseLinear, ...]

    def apply(self, scores: numpy.ndarray, task: Task) -> numpy.ndarray:
        """Probabilities [N, K], float32, from those of the model, computed in double."""
        import numpy

        columns = [
            curve(log_odds(scores[:, place])) for place, curve in zip(task.judged, self.curves, strict=True)
        ]
        if task.is_binary:
            (share,) = columns
            columns = [share if place in task.judged else 1 - share for place in range(2)]
        found = numpy.column_stack(columns)
        if not task.is_binary and not task.is_multilabel:
            found = (found + LEAST_PROBABILITY) / (found + LEAST_PROBABILITY).sum(axis=1, keepdims=True)
        return found.astype(numpy.float32)


def log_odds(probabilities: numpy.ndarray) -> numpy.ndarray:
    """The log-odds of probabilities of any shape, natural logarithms in float64.

    Probabilities of 0 and 1 are taken for the nearest that float32 tells from them.
    """
    import numpy

    kept = numpy.clip(numpy.asarray(probabilities, numpy.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    found: numpy.ndarray = numpy.log(kept) - numpy.log(1 - kept)
    return found
