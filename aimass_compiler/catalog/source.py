"""What every source of rows has: the files it depends on and how it is read."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    import polars


class Source(Kind):
    """Rows from somewhere, read lazily."""

    short_form: ClassVar[str | None] = "path"

    path: str
    """A file below the project's root, or a pattern such as `data/usage-*.parquet`."""

    @property
    def is_local(self) -> bool:
        """Whether the rows lie in the project, so that DVC can watch them."""
        return "://" not in self.path

    @abstractmethod
    def scan(self, root: Path) -> polars.LazyFrame:
        """The rows, with strings for whatever is not a number.

        Raises FileNotFoundError when nothing matches, and polars.exceptions.PolarsError when a
        file is not what its kind says.
        """

    def files(self, root: Path) -> list[Path]:
        """The files that match, sorted. Raises FileNotFoundError when there are none."""
        pattern = any(sign in self.path for sign in "*?[")
        found = sorted(root.glob(self.path)) if pattern else [root / self.path]
        if not found or not all(path.is_file() for path in found):
            raise FileNotFoundError(self.path)
        return found
