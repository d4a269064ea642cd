"""Sources whose rows are fetched into a file of the project, before a run and never during one."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.source import Source, UnreadableError

if TYPE_CHECKING:
    import polars


class SourceUnreachableError(UnreadableError):
    """What holds the rows does not answer, or not to whom asks."""


class FetchedSource(Source):
    """Rows that lie outside of the project and that runs read from a snapshot in it.

    The snapshot is a file of data like any other: DVC watches it, a training job gets it with the other
    files, and only who fetches it needs the right to read what it comes from.
    """

    @property
    @abstractmethod
    def snapshot_path(self) -> str:
        """The file that holds the rows, below the project's root."""

    @abstractmethod
    def differs_from(self, snapshot: Path) -> bool:
        """Whether a snapshot that is there was asked for otherwise; of one that cannot be read it is true."""

    @abstractmethod
    def rows(self, root: Path) -> polars.DataFrame:
        """The rows as they are now, in an order that depends on nothing but them.

        Raises UnreadableError for a question that cannot be answered and SourceUnreachableError.
        """

    @abstractmethod
    def content(self, rows: polars.DataFrame) -> bytes:
        """What a snapshot holds: the same bytes for the same rows."""

    @property
    def shown(self) -> str:
        return self.snapshot_path

    def dependencies(self) -> tuple[str, ...]:
        return (self.snapshot_path,)

    def egress(self) -> bool:
        return False
