"""Rows on this machine: polars computes one block after the other, and Parquet files hold the rest."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import polars

from aimass_compiler.engines import block_size
from aimass_compiler.engines.block_size import block_bounds, cut, rows_of_a_block
from aimass_compiler.engines.prefetch import prefetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aimass_compiler.engines import Table

    Block = polars.DataFrame
    Frame = polars.DataFrame | polars.LazyFrame

State = TypeVar("State")

_BLOCKS_JOINED = 4
#: Of texts that are read several times. Numbers would shrink by a third, and take as long again to write.
_COMPRESSION = "lz4"


class Local:
    """Tables whose larger intermediate results lie in a folder until the end."""

    def __init__(self, scratch: Path | None = None) -> None:
        self._parent = scratch
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def table(self, frames: Sequence[Frame]) -> LocalTable:
        return LocalTable(self, Files.of(frames))

    def scan(self, path: Path) -> LocalTable:
        return self.table([polars.scan_parquet(path, glob=False, hive_partitioning=False)])

    def scratch(self, suffix: str = "") -> Path:
        """A new file or folder for rows that memory should not hold."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=".rows-", dir=self._parent)
        return Path(self._folder.name) / f"{next(self._numbers)}{suffix}"

    def kept(self, block: Block) -> polars.LazyFrame:
        """The same rows in a file, as they are in memory: encoding them would take longer."""
        path = self.scratch(".arrow")
        with _refusals_of_the_disk():
            block.write_ipc(path, compression="uncompressed")
        return polars.scan_ipc(path, glob=False)


class LocalTable:
    """Rows that come from files or memory, or from the blocks of another table."""

    def __init__(self, engine: Local, source: Files | Computed) -> None:
        self._engine = engine
        self._source = source

    @property
    def schema(self) -> Mapping[str, polars.DataType]:
        return self._source.schema

    @functools.cached_property
    def height(self) -> int:
        if isinstance(self._source, Files):
            return self._source.height
        return sum(block.height for block in self.blocks())

    def blocks(self) -> Iterator[Block]:
        return self._source.blocks()

    def select(self, names: Sequence[str]) -> LocalTable:
        if isinstance(self._source, Files):
            return LocalTable(self._engine, self._source.select(names))
        return self.with_columns(lambda block: block.select(polars.selectors.by_name(*names)))

    def with_columns(self, function: Callable[[Block], Block]) -> LocalTable:
        def blocks() -> Iterator[Block]:
            return map(function, self.blocks())

        return LocalTable(self._engine, Computed(blocks, lambda: function(self._empty())))

    def in_blocks_of(self, rows: int) -> LocalTable:
        if isinstance(self._source, Files):
            return LocalTable(self._engine, self._source.in_blocks_of(rows))

        def blocks() -> Iterator[Block]:
            return itertools.chain.from_iterable(map(functools.partial(cut, rows=rows), self.blocks()))

        return LocalTable(self._engine, Computed(blocks, self._empty))

    def filter(self, function: Callable[[Block], polars.Series]) -> LocalTable:
        return self.with_columns(lambda block: block.filter(function(block)))

    def unique(self, names: Sequence[str]) -> LocalTable:
        alike = polars.selectors.by_name(*names)

        def blocks() -> Iterator[Block]:
            if self._is_one_block:
                yield self.whole().unique(subset=alike, keep="first", maintain_order=True)
                return
            first = _first_of_each(polars.concat(_keys(block.select(alike)) for block in self.blocks()))
            start = 0
            for block in self.blocks():
                yield block.filter(first.slice(start, block.height))
                start += block.height

        return LocalTable(self._engine, Computed(blocks, self._empty))

    def join(self, right: Table, on: Sequence[str], how: str) -> LocalTable:
        keys = [polars.selectors.by_name(key) for key in on]  # names that are patterns to polars stay names

        def joined(left: Block, others: Block) -> Block:
            return left.join(others, on=keys, how=how, coalesce=True, maintain_order="left_right")  # type: ignore[arg-type]  # `how` is one of Join's

        def blocks() -> Iterator[Block]:
            others = polars.concat(right.blocks())
            # Hashing the right side again for each small block would take longer than all the rest.
            lefts = [self.whole()] if how == "full" else self._gathered(others.height)
            for left in lefts:
                found = joined(left, others)
                yield from found.iter_slices(rows_of_a_block(found.schema)) if found.height else [found]

        return LocalTable(
            self._engine,
            Computed(blocks, lambda: joined(self._empty(), polars.DataFrame(schema=right.schema))),
        )

    def _gathered(self, rows: int) -> Iterator[Block]:
        """The same rows, with as many in a block as make it worth to hash so many others."""
        blocks = self.blocks()
        while few := list(itertools.islice(blocks, _BLOCKS_JOINED if rows > block_size.LEAST_ROWS else 1)):
            yield polars.concat(few)

    def numbered(self, name: str) -> LocalTable:
        def blocks() -> Iterator[Block]:
            start = 0
            for block in self.blocks():
                yield block.with_row_index(name, start)
                start += block.height

        return LocalTable(self._engine, Computed(blocks, lambda: self._empty().with_row_index(name)))

    def each(self, function: Callable[[Block], State]) -> Iterator[State]:
        return map(function, self.blocks())

    def fold(self, part: Callable[[Block], State], merge: Callable[[State, State], State]) -> State:
        return functools.reduce(merge, self.each(part))

    def mapped(
        self, function: Callable[[Block], tuple[Block, State]], merge: Callable[[State, State], State]
    ) -> tuple[LocalTable, State]:
        found: list[State] = []

        def blocks() -> Iterator[Block]:
            for block in self.blocks():
                result, state = function(block)
                found[:] = [merge(found[0], state)] if found else [state]
                yield result

        return self._stored(blocks()), found[0]

    def column(self, function: Callable[[Block], polars.Series]) -> polars.Series:
        return polars.concat(list(self.each(function)))

    def head(self, count: int) -> Block:
        if isinstance(self._source, Files):
            return self._source.rows(0, min(count, self.height))
        parts: list[Block] = []
        for block in self.blocks():
            parts.append(block.head(count - sum(part.height for part in parts)))
            if sum(part.height for part in parts) >= count:
                break
        return polars.concat(parts)

    def stored(self) -> LocalTable:
        return self if isinstance(self._source, Files) else self._stored(self.blocks())

    def _stored(self, blocks: Iterator[Block]) -> LocalTable:
        first = next(blocks)
        second = next(blocks, None)
        if second is None:
            return self._engine.table([first])
        kept = [self._engine.kept(first), self._engine.kept(second)]
        del first, second  # which the rest should not have to fit beside
        kept += map(self._engine.kept, blocks)
        return self._engine.table(kept)

    def split(self, names: polars.Series, paths: Mapping[str, Path]) -> None:
        def named() -> Iterator[tuple[Block, polars.Series]]:
            start = 0
            for block in self.blocks():
                yield block, names.slice(start, block.height)
                start += block.height

        _write_by_name(named(), paths)

    def divided(
        self,
        function: Callable[[Block], tuple[Block, polars.Series, State]],
        merge: Callable[[State, State], State],
        paths: Mapping[str, Path],
    ) -> State:
        found: list[State] = []

        def named() -> Iterator[tuple[Block, polars.Series]]:
            for block, names, state in self.each(function):
                found[:] = [merge(found[0], state)] if found else [state]
                yield block, names

        _write_by_name(named(), paths)
        return found[0]

    @property
    def _is_one_block(self) -> bool:
        return isinstance(self._source, Files) and self.height <= rows_of_a_block(self.schema)

    def whole(self) -> Block:
        """All rows at once."""
        return polars.concat(self.blocks())

    def _empty(self) -> Block:
        return polars.DataFrame(schema=self.schema)


class Computed:
    """Blocks that are computed when they are asked for; `empty` answers one without rows."""

    def __init__(self, blocks: Callable[[], Iterator[Block]], empty: Callable[[], Block]) -> None:
        self.blocks = blocks
        self._empty = empty

    @functools.cached_property
    def schema(self) -> Mapping[str, polars.DataType]:
        return self._empty().schema


class Files:
    """Frames one after the other, cut into blocks of as many rows as their types decide."""

    def __init__(
        self, frames: Sequence[polars.LazyFrame], heights: Sequence[int], types: Block, size: int
    ) -> None:
        self._frames, self._heights, self._types, self._size = frames, heights, types, size
        self.schema: Mapping[str, polars.DataType] = types.schema
        self.height = sum(heights)

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> Files:
        types = [polars.DataFrame(schema=frame.collect_schema()) for frame in frames]
        lazy = [frame.lazy() for frame in frames]
        both = polars.concat(types, how="diagonal_relaxed")
        return cls(lazy, [_height(frame) for frame in frames], both, rows_of_a_block(both.schema))

    def select(self, names: Sequence[str]) -> Files:
        chosen = polars.selectors.by_name(*names, require_all=False)
        frames = [frame.select(chosen) for frame in self._frames]
        # Cut where all columns are, so that what is learned does not depend on which are read.
        return Files(frames, self._heights, self._types.select(chosen), self._size)

    def blocks(self) -> Iterator[Block]:
        return itertools.starmap(self.rows, self.bounds())

    def in_blocks_of(self, rows: int) -> Files:
        """The same rows, with at most so many in a block."""
        return Files(self._frames, self._heights, self._types, min(rows, self._size))

    def bounds(self) -> list[tuple[int, int]]:
        """The first row of each block, and the one behind its last."""
        return block_bounds(self.height, self._size)

    def rows(self, start: int, end: int) -> Block:
        """The rows between these, in memory."""
        parts = [self._types]
        for frame, height in zip(self._frames, self._heights, strict=True):
            first, last = max(start, 0), min(end, height)
            if first < last:
                whole = (first, last) == (0, height)
                parts.append(
                    (frame if whole else frame.slice(first, last - first)).collect(engine="in-memory")
                )
            start, end = start - height, end - height
        is_alike = len(parts) == 2 and parts[1].schema == self.schema  # noqa: PLR2004  # the types and one part
        return parts[1] if is_alike else polars.concat(parts, how="diagonal_relaxed")


def _height(frame: Frame) -> int:
    if isinstance(frame, polars.DataFrame):
        return frame.height
    return int(frame.select(polars.len()).collect().item())


def _keys(chosen: Block) -> Block:
    """Two hashes of 64 bits a row, which no two keys of any table in practice share."""
    return polars.DataFrame({"low": chosen.hash_rows(1), "high": chosen.hash_rows(2)})


def _first_of_each(keys: Block) -> polars.Series:
    return keys.select(polars.struct("low", "high").is_first_distinct()).to_series()


def _write_by_name(rows: Iterator[tuple[Block, polars.Series]], paths: Mapping[str, Path]) -> None:
    with contextlib.ExitStack() as stack:
        writers = {name: stack.enter_context(Writer(path)) for name, path in paths.items()}
        for block, names in prefetched(rows):
            for name, writer in writers.items():
                writer.write(block.filter(names == name))


@contextlib.contextmanager
def _refusals_of_the_disk() -> Iterator[None]:
    """Rows in memory can always be written, unless the disk refuses."""
    try:
        yield
    except polars.exceptions.PolarsError as error:
        raise OSError(errno.EIO, str(error)) from None


class Writer:
    """One Parquet file whose groups of rows are read as blocks; one group alone is written as polars does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[Block] = []
        self._file: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is None and kind is None:
            self._write_alone()
        elif self._file is not None:
            if kind is None:
                self._write_groups(1)
            self._file.close()

    def write(self, block: Block) -> None:
        if not self._pending or block.height:
            self._pending.append(block)
        size = rows_of_a_block(block.schema)
        if sum(map(len, self._pending)) > size:
            self._write_groups(size)

    def _write_alone(self) -> None:
        if self._pending:
            with _refusals_of_the_disk():
                polars.concat(self._pending, rechunk=True).write_parquet(self._path)

    def _write_groups(self, least: int) -> None:
        """Write what is pending, but fewer rows than asked for; a group is what is read as a block."""
        rows = polars.concat(self._pending)
        size = rows_of_a_block(rows.schema)
        while rows.height >= least:
            self._write_group(rows.head(size))
            rows = rows.slice(size)
        self._pending = [rows]

    def _write_group(self, group: Block) -> None:
        import pyarrow.parquet

        # A page ends with a chunk of memory, which shows only how the rows were read.
        table = group.rechunk().to_arrow()
        if self._file is None:
            # Dictionaries of numbers take four times as long as all the rest, and help few columns.
            texts = [name for name, kind in group.schema.items() if kind == polars.String]
            has_arrays = any(kind.is_nested() for kind in group.schema.values())
            self._file = pyarrow.parquet.ParquetWriter(
                self._path,
                table.schema,
                use_dictionary=texts,
                compression=_COMPRESSION if has_arrays else dict.fromkeys(texts, _COMPRESSION),
                write_statistics=False,
            )
        self._file.write_table(table)
