"""Where a model's results lie, and how they are written: to a temporary name first, then renamed."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replacing

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Workspace:
    """The folders of one model below the project's root."""

    root: Path
    model: str

    def folder(self, name: str) -> Path:
        """A folder below the model's artifacts, such as that of a stage; created when it is missing."""
        folder = self.root / conventions.ARTIFACTS_FOLDER / self.model / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def path(self, artifact: str) -> Path:
        """Where one of the artifacts lies; its folder is created when it is missing."""
        folder, _, name = artifact.rpartition("/")
        return self.folder(folder) / name

    @property
    def generated(self) -> Path:
        """The committed files that the compiler rendered for this model."""
        return self.root / conventions.GENERATED_FOLDER / self.model


@contextmanager
def replacing_all(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """A temporary folder for files or folders of these names, which move to `folder` when all went well.

    A block that raises, or a process that is killed, leaves the earlier ones as they were.
    """
    temporary = folder / f".made.{os.getpid()}"
    for leftover in folder.glob(".made.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for name in names:
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
            (temporary / name).replace(folder / name)
    except OSError as error:
        error.filename = error.filename or str(folder)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_table(path: Path, table: polars.DataFrame) -> None:
    """Write rows as Parquet."""
    from polars.exceptions import PolarsError

    with replacing(path) as temporary:
        try:
            table.write_parquet(temporary)
        except PolarsError as error:  # rows in memory can always be written, unless the disk refuses
            raise OSError(errno.EIO, str(error)) from None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON document that people can read; numbers keep every digit."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
