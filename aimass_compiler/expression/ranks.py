"""Numbers by their rank: exact up to some millions, then a sketch whose result the order of parts fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy
import polars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: So many values are kept as they are, which takes 32 MiB.
EXACT = 2**22
#: How many values a buffer of the sketch has.
_BUFFER = 2**16


class Ranks:
    """The values of some rows without the missing ones, of which quantiles can be asked.

    Beyond `EXACT` values they are sorted into buffers, and two buffers of one weight become one of twice the
    weight, of every other value (Manku, Rajagopalan and Lindsay 1998): the rank of an answer is off by
    at most log2(values / 65,536) / 131,072 of the rows, a ten-thousandth of a billion rows.
    """

    def __init__(self, values: Sequence[polars.Series]) -> None:
        self._values = list(values)
        self._count = sum(map(len, self._values))
        self._levels: list[NDArray[numpy.float64] | None] = []
        self._rest: NDArray[numpy.float64] = numpy.empty(0)

    @classmethod
    def of(cls, values: polars.Series) -> Self:
        return cls([values])

    def and_later(self, others: Ranks) -> Ranks:
        """These values and those of later rows, which are still exact."""
        self._values += others._values
        self._count += others._count
        if self._count > EXACT:
            self._condense()
        return self

    def _condense(self) -> None:
        pending = [self._rest, *(part.to_numpy().astype(numpy.float64) for part in self._values)]
        values = numpy.concatenate(pending)
        self._values = []
        whole = len(values) // _BUFFER * _BUFFER
        for buffer in values[:whole].reshape(-1, _BUFFER):
            self._add(numpy.sort(buffer), 0)
        self._rest = values[whole:].copy()

    def _add(self, buffer: NDArray[numpy.float64], level: int) -> None:
        if level == len(self._levels):
            self._levels.append(None)
        other = self._levels[level]
        if other is None:
            self._levels[level] = buffer
            return
        self._levels[level] = None
        # Odd and even places in turn, so that what one level rounds up the next rounds down.
        self._add(numpy.sort(numpy.concatenate([other, buffer]))[level % 2 :: 2], level + 1)

    @property
    def values(self) -> polars.Series:
        """All values, where they are few."""
        # In one piece, of which polars finds the middle in a tenth of the time.
        return polars.concat(self._values, rechunk=True) if len(self._values) > 1 else self._values[0]

    def median(self) -> float:
        """The middle; NaN of nothing."""
        if not self._levels:
            found = self.values.median()
            return float("nan") if found is None else float(found)  # type: ignore[arg-type]  # of numbers
        return self.quantiles([0.5])[0]

    def quantiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """The values at these shares of the ranks, by linear interpolation; none of nothing."""
        if not self._levels:
            if not self._count:
                return ()
            # Once for all shares, and by NumPy, which takes a quarter of the time.
            few = polars.Series(numpy.sort(self.values.to_numpy())).set_sorted()
            found = [few.quantile(share, interpolation="linear") for share in shares]
            return tuple(float(value) for value in found if value is not None)
        parts = [(self._rest, 1)]
        parts += [(part, 2**level) for level, part in enumerate(self._levels) if part is not None]
        values = numpy.concatenate([part for part, _ in parts])
        weights = numpy.concatenate([numpy.full(len(part), weight) for part, weight in parts])
        order = numpy.argsort(values, kind="stable")
        # Each value is in the middle of the ranks that it stands for.
        ranks = numpy.cumsum(weights[order]) - (weights[order] + 1) / 2
        wanted = numpy.asarray(shares) * (self._count - 1)
        return tuple(float(value) for value in numpy.interp(wanted, ranks, values[order]))
