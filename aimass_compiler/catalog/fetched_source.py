"""Sources whose rows are fetched into a file of the project, before a run and never during one."""

from __future__ import annotations

import hashlib
import io
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.source import Rows, Source, UnreadableError, inside
from aimass_compiler.catalog.sources.parquet import Parquet

if TYPE_CHECKING:
    import polars

#: The key of a snapshot's metadata that says which question its rows answer.
_QUESTION = "aimass.statement"
_FETCH = "`aimass fetch` fetches its rows again"


def _parquet(path: str) -> str:
    if "://" in path or not path.endswith(".parquet"):
        raise PydanticCustomError(
            "snapshot", "`{path}` is no Parquet file of the project; write it like `data/customers.parquet`",
            {"path": path},
        )  # fmt: skip
    return path


#: Annotates the Parquet file of the project that rows are fetched into.
SnapshotPath = Annotated[str, AfterValidator(_parquet), AfterValidator(inside)]


class SourceUnreachableError(UnreadableError):
    """What holds the rows does not answer, or not to whom asks."""


class FetchedRows(Struct, frozen=True):
    """What was fetched."""

    rows: polars.DataFrame
    """In an order that depends on nothing but them."""
    of: str = ""
    """Which state of the source they are, for people, where it has several: `version 12`."""


class FetchedSource(Source):
    """Rows that lie outside of the project and that runs read from a snapshot in it.

    The snapshot is a file of data like any other: DVC watches it, a training job gets it with the other
    files, and only who fetches it needs the right to read what it comes from.
    """

    @property
    @abstractmethod
    def snapshot_path(self) -> str:
        """The file that holds the rows, below the project's root."""

    @property
    @abstractmethod
    def question(self) -> str:
        """What is asked for; a snapshot of another question is fetched again."""

    @abstractmethod
    def fetched(self, root: Path) -> FetchedRows:
        """The rows as they are now.

        Raises UnreadableError for a question that cannot be answered and SourceUnreachableError.
        """

    def differs_from(self, snapshot: Path) -> bool:
        """Whether a snapshot that is there was asked for otherwise; of one that cannot be read it is true."""
        import polars

        try:
            return polars.read_parquet_metadata(snapshot).get(_QUESTION) != self._digest
        except polars.exceptions.PolarsError:
            return True

    def content(self, rows: polars.DataFrame) -> bytes:
        """What a snapshot holds: the same bytes for the same rows."""
        written = io.BytesIO()
        rows.write_parquet(written, metadata={_QUESTION: self._digest})
        return written.getvalue()

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        rows = Parquet(path=self._escaped).read(root, wanted)
        if self.differs_from(root / self.snapshot_path):
            raise UnreadableError(f"{self.snapshot_path} answers another query than this one", _FETCH)
        return rows

    @property
    def shown(self) -> str:
        return self.snapshot_path

    def dependencies(self) -> tuple[str, ...]:
        return (self.snapshot_path,)

    def egress(self) -> bool:
        return False

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.question.encode()).hexdigest()

    @property
    def _escaped(self) -> str:
        """The snapshot's path as a pattern that it alone matches."""
        return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in self.snapshot_path)


def in_order(rows: polars.DataFrame) -> polars.DataFrame:
    """The rows sorted by all columns that can be compared: what holds them promises no order."""
    return rows.sort([name for name, kind in rows.schema.items() if not kind.is_nested()])
