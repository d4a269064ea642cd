"""How far a recent distribution is from that of training: one file per method, found by its file name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from aimass_compiler import conventions

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Shares = NDArray[numpy.float64]

#: Where a spec says nothing.
USUAL = "psi"
#: What chi-squared with nine degrees of freedom, those of ten bins, exceeds once in twenty times.
CHI_SQUARED = 16.92


class Distance(Protocol):
    """A function of two distributions over the same bins, the last of which holds what is missing."""

    def __call__(self, recent: Shares, trained: Shares, *, is_ordered: bool) -> float:
        """The distance; `is_ordered` says that the bins are intervals of numbers, from small to large."""


class DriftMethod(NamedTuple):
    """One way to measure, and all that is said of it."""

    name: str
    shown: str
    """What alerts and boards call it."""
    warn: float
    """The limit above which a ticket is opened, where a spec says none."""
    page: float
    """The limit above which somebody is called, where a spec says none."""
    distance: Distance
    chance: Callable[[int], float]
    """What so many rows that did not change exceed once in twenty windows, by chance."""
    rows_for: Callable[[float], float]
    """The rows with which chance stays below a limit: the inverse of `chance`."""

    @property
    def begun(self) -> str:
        """The same at the beginning of a sentence."""
        return self.shown[0].upper() + self.shown[1:]

    @property
    def series(self) -> str:
        """What servers export; labels: model, feature."""
        return conventions.SERIES_DRIFT.format(method=self.name)

    @property
    def scoring_series(self) -> str:
        """What a pod exports that scores a table; labels: model, feature."""
        return conventions.SERIES_SCORING_DRIFT.format(method=self.name)


@cache
def names() -> tuple[str, ...]:
    """The methods, sorted: the files of this folder."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


@cache
def method(name: str) -> DriftMethod:
    """The method that a file declares."""
    found: DriftMethod = import_module(f"{__name__}.{name}").METHOD
    return found


def methods() -> tuple[DriftMethod, ...]:
    """All of them; the usual one first."""
    return tuple(method(name) for name in sorted(names(), key=lambda name: (name != USUAL, name)))
