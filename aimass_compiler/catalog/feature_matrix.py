"""Features of which the wide one-hots are kept as a code a row: as rows, and as a sparse matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import numpy
    import scipy

_ENTRIES_AT_ONCE = 1_000_000
#: Beside its value an entry of a sparse matrix has its place: it takes three times a float32 and more.
_SPARSE_SHARE = 1 / 3


class Block(Struct, frozen=True):
    """Features side by side: numbers, or the levels of one category, of which a row has at most one."""

    kind: Literal["numbers", "levels"]
    size: int


class Layout(Struct, frozen=True):
    """The blocks in the order of the features, and where in a stored row each is."""

    blocks: tuple[Block, ...]

    @property
    def features(self) -> int:
        return sum(block.size for block in self.blocks)

    @property
    def offsets(self) -> list[int]:
        """The first feature of each block."""
        return list(accumulate((block.size for block in self.blocks), initial=0))[:-1]

    @property
    def entries(self) -> int:
        """How many features of a row are not always zero, at most."""
        return sum(block.size if block.kind == "numbers" else 1 for block in self.blocks)

    @property
    def is_sparse(self) -> bool:
        """Whether codes are worth their while: a few places more or less are as well kept as they are."""
        return self.entries <= self.features * _SPARSE_SHARE

    @property
    def number_places(self) -> list[int]:
        """Which features the stored numbers are."""
        return [
            place
            for block, start in zip(self.blocks, self.offsets, strict=True)
            if block.kind == "numbers"
            for place in range(start, start + block.size)
        ]

    @property
    def category_offsets(self) -> list[int]:
        """The feature that code 0 of each category is."""
        pairs = zip(self.blocks, self.offsets, strict=True)
        return [start for block, start in pairs if block.kind == "levels"]

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """A stored row: its numbers, and the code of each category, -1 for none of its levels."""
        import numpy

        return numpy.dtype(
            [
                ("numbers", "<f4", (len(self.number_places),)),
                ("codes", "<i4", (len(self.category_offsets),)),
            ]
        )


class FeatureMatrix:
    """Stored rows that answer as the float32 matrix [N, F] would: by slices, of which memory holds one."""

    def __init__(self, layout: Layout, rows: numpy.ndarray) -> None:
        self.layout = layout
        self.rows = rows

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), self.layout.features

    @property
    def nbytes(self) -> int:
        """What all rows take once they are float32."""
        return 4 * len(self.rows) * self.layout.features

    @property
    def entries(self) -> int:
        """How many values are kept: each number and each code."""
        return len(self.rows) * self.layout.entries

    @property
    def numbers(self) -> numpy.ndarray:
        """What is no category, float32, [N, D]; which features these are says the layout."""
        numbers: numpy.ndarray = self.rows["numbers"]
        return numbers

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> numpy.ndarray:
        """The rows of a slice or of numbers, float32; with a list of features beside it, only those."""
        rows, features = key if isinstance(key, tuple) else (key, None)
        if features is None:
            return self._dense(self.rows[rows])
        return self._chosen(self.rows[rows], features)

    def _dense(self, rows: numpy.ndarray) -> numpy.ndarray:
        import numpy

        found = numpy.zeros((len(rows), self.layout.features), numpy.float32)
        found[:, self._number_places] = rows["numbers"]
        row, category = numpy.nonzero(rows["codes"] >= 0)
        found[row, self._category_offsets[category] + rows["codes"][row, category]] = 1
        return found

    def _chosen(self, rows: numpy.ndarray, features: numpy.ndarray) -> numpy.ndarray:
        """Some features, without all others on the way."""
        import numpy

        found = numpy.empty((len(rows), len(features)), numpy.float32)
        kept = {place: column for column, place in enumerate(self.layout.number_places)}
        for column, place in enumerate(features):
            if place in kept:
                found[:, column] = rows["numbers"][:, kept[place]]
            else:
                category = int(numpy.searchsorted(self._category_offsets, place, side="right")) - 1
                found[:, column] = rows["codes"][:, category] == place - self._category_offsets[category]
        return found

    def slices(self) -> Iterator[slice]:
        """Consecutive rows of which the float32 features take some megabytes."""
        size = max(1, _ENTRIES_AT_ONCE // max(1, self.layout.features))
        return (slice(start, start + size) for start in range(0, len(self), size))

    def csr(self, kind: str = "f8", *, minus: numpy.ndarray | None = None) -> scipy.sparse.csr_array:
        """All rows as a sparse matrix in which every number is an entry, zeros too.

        `minus` [D] is subtracted from the numbers before they are rounded to `kind`.
        """
        import numpy
        from scipy import sparse

        starts = self._row_starts()
        data, places = numpy.empty(starts[-1], kind), numpy.empty(starts[-1], starts.dtype)
        for part in self._parts():
            rows = self.rows[part]
            numbers = rows["numbers"] if minus is None else rows["numbers"] - minus
            absent = rows["codes"] < 0
            place = numpy.hstack(
                [
                    numpy.broadcast_to(self._number_places, numbers.shape),
                    numpy.where(absent, -1, self._category_offsets + rows["codes"]),
                ]
            )[:, self._order]
            value = numpy.hstack([numbers, numpy.ones(absent.shape, numbers.dtype)])[:, self._order]
            own = slice(starts[part.start], starts[min(part.stop, len(self))])
            data[own], places[own] = value[place >= 0], place[place >= 0]
        return sparse.csr_array((data, places, starts), shape=self.shape)

    def csr_parts(self, kind: str = "f8") -> Iterator[tuple[slice, scipy.sparse.csr_array]]:
        """Consecutive rows as `csr` gives them, with where they are; one part takes some megabytes."""
        for part in self._parts():
            yield part, FeatureMatrix(self.layout, self.rows[part]).csr(kind)

    def _parts(self) -> Iterator[slice]:
        """Consecutive rows of which the stored values take some megabytes."""
        size = max(1, _ENTRIES_AT_ONCE // max(1, self.layout.entries))
        return (slice(start, start + size) for start in range(0, len(self), size))

    def _row_starts(self) -> numpy.ndarray:
        """Where among all entries each row begins, and the last one ends."""
        import numpy

        small = self.entries < numpy.iinfo(numpy.int32).max
        starts = numpy.zeros(len(self) + 1, numpy.int32 if small else numpy.int64)
        for part in self._parts():
            present = (self.rows[part]["codes"] >= 0).sum(axis=1)
            starts[part.start + 1 : part.start + 1 + len(present)] = present + len(self._number_places)
        return numpy.cumsum(starts, out=starts)

    @cached_property
    def _number_places(self) -> numpy.ndarray:
        import numpy

        return numpy.array(self.layout.number_places, numpy.int32)

    @cached_property
    def _category_offsets(self) -> numpy.ndarray:
        import numpy

        return numpy.array(self.layout.category_offsets, numpy.int32)

    @cached_property
    def _order(self) -> numpy.ndarray:
        """Which of a row's numbers and codes, side by side, comes first among the features."""
        import numpy

        return numpy.argsort(numpy.concatenate([self._number_places, self._category_offsets]), kind="stable")


def layout_of(blocks: Sequence[Block]) -> Layout:
    """The layout of these blocks; numbers beside numbers are one block."""
    merged: list[Block] = []
    for block in blocks:
        is_more = bool(merged) and block.kind == merged[-1].kind == "numbers"
        merged.append(Block("numbers", merged.pop().size + block.size) if is_more else block)
    return Layout(tuple(merged))
