"""How rows are read, combined, counted and written, whatever moves them.

An engine moves blocks: rows in a fixed order, cut at places that only the columns' types decide, never the
machine. What is computed of one block is written once, over a polars frame; what is known of all rows is
folded over the blocks in their order. Therefore every engine, with any number of cores, learns the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import polars

    #: Some consecutive rows of a table, in memory.
    Block = polars.DataFrame

State = TypeVar("State")


class Table(Protocol):
    """Rows in a fixed order, of which memory holds some blocks at a time.

    Verbs answer another table and leave this one as it is. Nothing is computed before rows are asked for;
    an OSError is raised where the disk refuses, and what a function raises is passed on.
    """

    @property
    def schema(self) -> Mapping[str, polars.DataType]:
        """The columns in their order, with the types that blocks have."""

    @property
    def height(self) -> int:
        """How many rows there are; of a table that was never stored, counted by computing it."""

    def blocks(self) -> Iterator[Block]:
        """All rows in their order; no block is of one row but the first."""

    def select(self, names: Sequence[str]) -> Table:
        """The named columns; others are not read."""

    def with_columns(self, function: Callable[[Block], Block]) -> Table:
        """Each block through a function that answers a block of as many rows."""

    def in_blocks_of(self, rows: int) -> Table:
        """The same rows, with about so many in a block at most: where each becomes larger."""

    def filter(self, function: Callable[[Block], polars.Series]) -> Table:
        """The rows for which a function of a block, row by row, answers true."""

    def unique(self, names: Sequence[str]) -> Table:
        """The first of the rows that are alike in the named columns; memory holds a key of each row."""

    def join(self, right: Table, on: Sequence[str], how: str) -> Table:
        """Rows beside those of `right` with equal keys, in the order of the left, then of the right.

        `how` is `left`, `inner` or `full`. Memory holds the right side, and for `full` both.
        """

    def numbered(self, name: str) -> Table:
        """Beside each row its number, from 0, in a first column."""

    def each(self, function: Callable[[Block], State]) -> Iterator[State]:
        """What a function finds in each block, in their order."""

    def fold(self, part: Callable[[Block], State], merge: Callable[[State, State], State]) -> State:
        """What `part` finds in each block, merged from the first to the last; there is at least one block."""

    def mapped(
        self, function: Callable[[Block], tuple[Block, State]], merge: Callable[[State, State], State]
    ) -> tuple[Table, State]:
        """The blocks that a function answers, stored, and what it found in each, merged: in one pass."""

    def column(self, function: Callable[[Block], polars.Series]) -> polars.Series:
        """One value a row, of all rows at once: what a split by rank has to know."""

    def head(self, count: int) -> Block:
        """The first rows."""

    def stored(self) -> Table:
        """The same rows, computed once: in memory where they are one block, else in the engine's scratch."""

    def split(self, names: polars.Series, paths: Mapping[str, Path]) -> None:
        """Write each row to the Parquet file of its name, if that has one; the same rows, the same bytes."""

    def divided(
        self,
        function: Callable[[Block], tuple[Block, polars.Series, State]],
        merge: Callable[[State, State], State],
        paths: Mapping[str, Path],
    ) -> State:
        """Write the rows that a function answers beside their names, as `split` does, in one pass.

        Answers what it found in each block, merged.
        """


class Engine(Protocol):
    """Where tables come from; as a context manager, it removes its scratch at the end."""

    def table(self, frames: Sequence[polars.DataFrame | polars.LazyFrame]) -> Table:
        """Rows in memory and in files, one after the other; columns of unlike numbers become the wider kind.

        Raises polars' PolarsError where types do not go together.
        """

    def scan(self, path: Path) -> Table:
        """The rows of a Parquet file that `split` has written."""
