"""What every source of rows has: the files it depends on and how it is read."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    import polars


def _inside(path: str) -> str:
    if "://" not in path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        raise PydanticCustomError(
            "outside", "`{path}` leads out of the project; paths start at its root", {"path": path}
        )
    return path


class Source(Kind):
    """Rows from somewhere, read lazily."""

    short_form: ClassVar[str | None] = "path"
    #: Whether a file tells numbers and flags from text, or writes them alike.
    has_types: ClassVar[bool] = True

    path: Annotated[str, AfterValidator(_inside)]
    """A file below the project's root, a pattern such as `data/usage-*.parquet`, or an address (`s3://…`)."""

    @property
    def is_local(self) -> bool:
        """Whether the rows lie in the project, so that DVC can watch them."""
        return "://" not in self.path

    @abstractmethod
    def scan(self, root: Path) -> polars.LazyFrame:
        """The rows, with strings for whatever is not a number.

        Raises FileNotFoundError when nothing matches, IsADirectoryError for a folder, ValueError
        for files that do not go together, and polars.exceptions.PolarsError or OSError when a file is
        not what its kind says.
        """

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


def together(parts: list[polars.LazyFrame], locations: list[str]) -> polars.LazyFrame:
    """The rows of several files, column by column name; numbers of different kinds become the wider kind.

    Raises ValueError when the files do not have the same columns.
    """
    import polars

    first = parts[0].collect_schema().names()
    for part, location in zip(parts[1:], locations[1:], strict=True):
        apart = sorted(set(first) ^ set(part.collect_schema().names()))
        if apart:
            raise ValueError(
                f"{Path(location).name} and {Path(locations[0]).name} do not have the same columns: "
                f"only one has `{apart[0]}`"
            )
    return polars.concat([part.select(polars.col(first)) for part in parts], how="vertical_relaxed")
