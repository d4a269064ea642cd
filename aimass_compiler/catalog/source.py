"""What every source of rows has: the files it depends on and how it is read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Struct
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    import polars


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

    frame: polars.DataFrame
    names: tuple[str, ...]
    """All columns that it has, read or not."""
    place: Callable[[int], str]
    """Where a row of the frame stands, for people: `line 7 of data/customers.csv`."""
    mixed: frozenset[str] = frozenset()
    """Columns of text in which numbers or flags stand, too."""


def _inside(path: str) -> str:
    if "://" not in path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        raise PydanticCustomError(
            "outside", "`{path}` leads out of the project; paths start at its root", {"path": path}
        )
    return path


class Source(Kind):
    """Rows from somewhere."""

    short_form: ClassVar[str | None] = "path"
    #: Whether a file tells numbers and flags from text, or writes them alike.
    has_types: ClassVar[bool] = True
    #: Whether a file that lacks a column which others have lacks its values only.
    may_lack_columns: ClassVar[bool] = False

    path: Annotated[str, AfterValidator(_inside)]
    """A file below the project's root, a pattern such as `data/usage-*.parquet`, or a URL (`s3://…`).
    Folders such as `year=2023/` above the files that a pattern matches are columns, too."""

    @property
    def is_local(self) -> bool:
        """Whether the rows lie in the project, so that DVC can watch them."""
        return "://" not in self.path

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        """The rows in their order, of the columns that are wanted (by name, with the type) or of all.

        Raises FileNotFoundError when nothing matches, IsADirectoryError for a folder, UnreadableError for
        files that are not what their kind says or do not go together, and OSError.
        """
        parts: list[Rows] = []
        shown = [location.removeprefix(f"{root}/") for location in self.locations(root)]
        for location, name in zip(self.locations(root), shown, strict=True):
            try:
                parts.append(_with_folders(self.read_file(location, wanted), name, self.path, wanted))
            except UnreadableError as error:
                raise error.of(name) from None
        if len(parts) == 1:
            return parts[0]
        if not self.may_lack_columns:
            _require_alike(parts, shown)
        return _together(parts, shown)

    def marks_of(self, column: str) -> frozenset[str]:
        """What a missing value of a column is written as, other than an empty one."""
        del column
        return frozenset()

    def columns_named(self) -> Iterator[tuple[str, str]]:
        """The columns of which a key says something, each with the key."""
        yield from ()

    @abstractmethod
    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        """The rows of one file, or of what a URL serves; `place` tells no file's name."""

    def locations(self, root: Path) -> list[str]:
        """The files that match, sorted, or the address.

        Raises FileNotFoundError when there are none and IsADirectoryError when one is a folder.
        """
        if not self.is_local:
            return [self.path]
        is_pattern = any(sign in self.path for sign in "*?[")
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
        polars.Series(name, [value] * rows.frame.height, dtype=polars.String)
        for name, value in added.items()
        if wanted is None or name in wanted
    ]
    return Rows(rows.frame.with_columns(columns), (*rows.names, *added), rows.place, rows.mixed)


def _partitions(shown: str, path: str) -> Iterator[tuple[str, str | None]]:
    """`year=2023` in a path is a column; Hive has a word for a value that is missing."""
    from urllib.parse import unquote

    if "://" in path:
        return
    for folder in PurePosixPath(shown).parent.parts:
        name, sign, value = folder.partition("=")
        if sign and name:
            yield unquote(name), None if value == _HIVES_NULL else unquote(value)


def _require_alike(parts: list[Rows], locations: list[str]) -> None:
    """Raises UnreadableError when files do not have the same columns, of those that were asked for."""
    first = parts[0].frame.columns
    for part, location in zip(parts[1:], locations[1:], strict=True):
        if apart := sorted(set(first) ^ set(part.frame.columns)):
            message = f"{location} and {locations[0]} do not have the same columns: only one has `{apart[0]}`"
            raise UnreadableError(message, "narrow the pattern to files with the same columns")


def _together(parts: list[Rows], locations: list[str]) -> Rows:
    """The rows of several files, column by column name; numbers of different kinds become the wider kind.

    Raises UnreadableError for a column that is of unlike types.
    """
    import polars

    heights = [part.frame.height for part in parts]

    def place(row: int) -> str:
        for part, location, height in zip(parts, locations, heights, strict=True):
            if row < height:
                return f"{part.place(row)} of {location}"
            row -= height
        raise IndexError(row)

    try:
        frame = polars.concat([part.frame for part in parts], how="diagonal_relaxed")
    except polars.exceptions.PolarsError as error:
        message = str(error).strip().split("\n")[0]
        raise UnreadableError(
            f"the files do not have the same types: {message}", "write each column in one type"
        ) from None
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    mixed = {name for part in parts for name, kind in part.frame.schema.items() if kind != frame.schema[name]}
    texts = {name for name in mixed if frame.schema[name] == polars.String}
    return Rows(frame, names, place, frozenset(texts).union(*(part.mixed for part in parts)))
