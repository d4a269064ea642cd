"""What every source of rows has: what it depends on and reaches, and how it is read; and those in files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from msgspec import Struct
from msgspec.structs import replace
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import Kind
from aimass_compiler.diagnostics import first_line

if TYPE_CHECKING:
    import polars


#: What makes a pattern of a path.
_WILDCARDS = frozenset("*?[")
_HIVES_NULL = "__HIVE_DEFAULT_PARTITION__"


class UnreadableError(ValueError):
    """A file cannot be read; the message names the line and the column, where there are any."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def of(self, location: str) -> UnreadableError:
        """The same, with the file's name."""
        return type(self)(f"{location}: {self.message}", self.hint)


class EmptyFileError(UnreadableError):
    """The file holds nothing that could be read."""


class Rows(Struct, frozen=True):
    """What one source holds of the columns that were asked for."""

    frames: tuple[polars.DataFrame | polars.LazyFrame, ...]
    """One after the other: in memory, or scanned where a file can be read by parts."""
    names: tuple[str, ...]
    """All columns that it has, read or not."""
    place: Callable[[int], str]
    """Where a row stands, for people: `line 7 of data/customers.csv`."""
    mixed: frozenset[str] = frozenset()
    """Columns of text in which numbers or flags stand, too."""
    parsed: frozenset[str] = frozenset()
    """Columns of numbers that the source writes as text."""

    @property
    def written(self) -> dict[str, polars.DataType]:
        """The columns in the types that the source writes."""
        import polars

        kinds = self.empty.schema
        return {name: polars.String() if name in self.parsed else kind for name, kind in kinds.items()}

    @property
    def empty(self) -> polars.DataFrame:
        """The columns without rows, in the types that go for all frames; raises polars' PolarsError."""
        import polars

        types = [polars.DataFrame(schema=frame.collect_schema()) for frame in self.frames]
        return polars.concat(types, how="diagonal_relaxed")


def inside(path: str) -> str:
    """The path, below the project's root or a URL; raises PydanticCustomError where it leads out."""
    if "://" not in path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        raise PydanticCustomError(
            "outside", "`{path}` leads out of the project; paths start at its root", {"path": path}
        )
    return path


class Source(Kind):
    """Rows from somewhere; each kind answers what other tools have to know of it."""

    #: Whether rows tell numbers and flags from text, or write them alike.
    has_types: ClassVar[bool] = True

    @property
    @abstractmethod
    def shown(self) -> str:
        """What messages call it: a path, a URL, a table."""

    @abstractmethod
    def dependencies(self) -> tuple[str, ...]:
        """The files and folders of the project that the rows come from, for DVC to watch; none where rows lie
        elsewhere, so that they are collected on every run."""

    @abstractmethod
    def egress(self) -> bool:
        """Whether pods that read it must reach beyond the cluster."""

    @abstractmethod
    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        """The rows in their order, of the columns that are wanted (by name, with the type) or of all.

        Raises UnreadableError where they cannot be had, with what helps, and OSError.
        """

    def reading_numbers(self, names: Collection[str]) -> Self:
        """The same, which may read the text of these columns as the numbers that it says."""
        del names
        return self

    def parts(self) -> Iterator[tuple[tuple[str | int, ...], Source]]:
        """The sources that it is made of, each with its place below the name in `data.sources`: itself."""
        yield (self.kind,), self

    def marks_of(self, column: str) -> frozenset[str]:
        """What a missing value of a column is written as, other than an empty one."""
        del column
        return frozenset()

    def image_columns(self) -> tuple[str, ...]:
        """The columns that hold image files, to be decoded to what `data.columns` declares."""
        return ()

    def unique_columns(self) -> tuple[str, ...]:
        """The columns of which no two rows have the same value, by what the source is."""
        return ()

    def columns_named(self) -> Iterator[tuple[str, str]]:
        """The columns of which a key says something, each with the key."""
        yield from ()


@lru_cache(maxsize=256)
def _without_wildcards(path: str) -> str:
    """The path up to its first part that is a pattern."""
    fixed = takewhile(_WILDCARDS.isdisjoint, PurePosixPath(path).parts)
    return str(PurePosixPath(*fixed))


class FileSource(Source):
    """Rows of one file or of many alike, in the project or behind a URL."""

    short_form: ClassVar[str | None] = "path"
    #: Whether a file that lacks a column which others have lacks its values only.
    may_lack_columns: ClassVar[bool] = False

    path: Annotated[str, AfterValidator(inside)]
    """A file below the project's root, a pattern such as `data/usage-*.parquet`, or a URL (`s3://…`).
    Folders such as `year=2023/` above the files that a pattern matches are columns, too."""

    @property
    def is_local(self) -> bool:
        """Whether the files lie in the project."""
        return "://" not in self.path

    @property
    def shown(self) -> str:
        return self.path

    def dependencies(self) -> tuple[str, ...]:
        """The file, or for a pattern the folder below which it matches: DVC knows no patterns."""
        if not self.is_local:
            return ()
        return (_without_wildcards(self.path),)

    def egress(self) -> bool:
        return not self.is_local

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        parts: list[Rows] = []
        locations = self._locations(root)
        shown = [location.removeprefix(f"{root}/") for location in locations]
        for location, name in zip(locations, shown, strict=True):
            try:
                parts.append(_with_folders(self.read_file(location, wanted), name, self.path, wanted))
            except UnreadableError as error:
                raise error.of(name) from None
        if len(parts) == 1:
            return parts[0]
        if not self.may_lack_columns:
            require_alike(parts, shown)
        return together(parts, shown)

    @abstractmethod
    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        """The rows of one file, or of what a URL serves; `place` tells no file's name."""

    def _locations(self, root: Path) -> list[str]:
        """The files that match, sorted, or the URL; raises UnreadableError where there are none."""
        try:
            return self.locations(root)
        except FileNotFoundError:
            raise UnreadableError(
                f"there is no file {self.path}", "paths start at the project's root"
            ) from None
        except IsADirectoryError:
            hint = f"name its files by a pattern: {self.path.rstrip('/')}/*.{self.kind}"
            raise UnreadableError(f"{self.path} is a folder", hint) from None

    def locations(self, root: Path) -> list[str]:
        """The files that match, sorted, or the address.

        Raises FileNotFoundError when there are none and IsADirectoryError when one is a folder.
        """
        if not self.is_local:
            return [self.path]
        is_pattern = bool(_WILDCARDS & set(self.path))
        found = (
            sorted(path for path in root.glob(self.path) if path.is_file())
            if is_pattern
            else [root / self.path]
        )
        if found and found[0].is_dir():
            raise IsADirectoryError(self.path)
        if not found or not found[0].is_file():
            raise FileNotFoundError(self.path)
        return [str(path) for path in found]


def _with_folders(rows: Rows, shown: str, path: str, wanted: Mapping[str, str] | None) -> Rows:
    """The rows with the columns that are in their file's path (Hive's partitions) and not in the file."""
    import polars

    folders = dict(_partitions(shown, path))
    added = {name: value for name, value in folders.items() if name not in rows.names}
    if not added:
        return rows
    columns = [
        polars.lit(value, dtype=polars.String).alias(name)
        for name, value in added.items()
        if wanted is None or name in wanted
    ]
    frames = tuple(frame.with_columns(columns) for frame in rows.frames)
    return replace(rows, frames=frames, names=(*rows.names, *added))


def _partitions(shown: str, path: str) -> Iterator[tuple[str, str | None]]:
    """`year=2023` in a path is a column; Hive has a word for a value that is missing."""
    from urllib.parse import unquote

    if "://" in path:
        return
    for folder in PurePosixPath(shown).parent.parts:
        name, sign, value = folder.partition("=")
        if sign and name:
            yield unquote(name), None if value == _HIVES_NULL else unquote(value)


def require_alike(parts: list[Rows], locations: list[str]) -> None:
    """Raises UnreadableError when files do not have the same columns, of those that were asked for."""
    first = parts[0].empty.columns
    for part, location in zip(parts[1:], locations[1:], strict=True):
        if apart := sorted(set(first) ^ set(part.empty.columns)):
            message = f"{location} and {locations[0]} do not have the same columns: only one has `{apart[0]}`"
            raise UnreadableError(
                message, "read files with the same columns only, or declare those that all of them have"
            )


def together(parts: list[Rows], locations: list[str]) -> Rows:
    """The rows of several files, column by column name; numbers of different kinds become the wider kind.

    Raises UnreadableError for a column that is of unlike types.
    """
    import polars

    @cache
    def heights() -> list[int]:
        lazy = [[frame.lazy().select(polars.len()) for frame in part.frames] for part in parts]
        return [sum(count.collect().item() for count in counts) for counts in lazy]

    def place(row: int) -> str:
        for part, location, height in zip(parts, locations, heights(), strict=True):
            if row < height:
                return f"{part.place(row)} of {location}"
            row -= height
        raise IndexError(row)

    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    frames = tuple(frame for part in parts for frame in part.frames)
    kinds = [part.written for part in parts]
    try:
        schema = polars.concat(map(polars.DataFrame, kinds), how="diagonal_relaxed").schema
    except polars.exceptions.PolarsError as error:
        message = first_line(error)
        raise UnreadableError(
            f"the files do not have the same types: {message}", "write each column in one type"
        ) from None
    unlike = {name for own in kinds for name, kind in own.items() if kind != schema[name]}
    texts = {name for name in unlike if schema[name] == polars.String}
    mixed = frozenset(texts).union(*(part.mixed for part in parts))
    return Rows(frames, names, place, mixed, frozenset[str]().union(*(part.parsed for part in parts)))
