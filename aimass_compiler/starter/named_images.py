"""A column that names image files, which lie beside the table, and the folder that they are read from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from aimass_compiler.catalog.sources.image_folder import SUFFIXES
from aimass_compiler.starter.profile import Sort

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.starter.profile import DataFileProfile, Observation

#: So many names are looked for on the disk, and so many folders.
_LOOKED_FOR, _MOST_FOLDERS = 20, 200
#: Of larger images, the side that they are resized to.
_SIDE = 64


@dataclass(frozen=True)
class NamedImages:
    """What a spec says of the files."""

    column: str
    """The column that names them."""
    folder: str
    """The folder below which they have these names, by its path in the project."""
    image: str
    """What the column of the images is called, as no other one is."""
    label: str
    """What the column of the folders' names is called, as no other one is."""
    shape: tuple[int, int, int]

    @property
    def source(self) -> dict[str, object]:
        """The source that reads them."""
        given = {"image": self.image, "label": self.label, "file": self.column}
        names = {key: name for key, name in given.items() if key != name}
        return {"image_folder": {"path": self.folder, **names} if names else self.folder}


def named_images(observed: DataFileProfile, path: Path, shown_as: str) -> NamedImages | None:
    """The first column whose values are the names of PNG and JPEG files below a folder beside the table."""
    for name, observation in observed.columns.items():
        files = _files(observation)
        beside = PurePosixPath(shown_as).parent
        folder = next((each for each in _folders(path.parent, beside) if _has(each, files)), None)
        if files and folder is not None:
            shown = str(beside / folder.relative_to(path.parent).as_posix())
            image = _free("image", observed.columns, "pixels")
            label = _free("label", observed.columns, "folder")
            return NamedImages(name, shown, image, label, _shape(folder / files[0]))
    return None


def _files(observation: Observation) -> list[str]:
    """Some of the values, where all that were seen end as image files do."""
    values = observation.values
    if observation.found != {Sort.NAME} or not all(str(value).lower().endswith(SUFFIXES) for value in values):
        return []
    return [str(value) for value in islice(values, _LOOKED_FOR)]


def _folders(of_table: Path, shown: PurePosixPath) -> Iterator[Path]:
    """The folders beside the table, then its own, which the names may begin in; never the whole project."""
    with os.scandir(of_table) as found:
        yield from sorted(Path(each.path) for each in islice(found, _MOST_FOLDERS) if each.is_dir())
    if shown != PurePosixPath():
        yield of_table


def _has(folder: Path, files: list[str]) -> bool:
    return all(".." not in PurePosixPath(file).parts and (folder / file).is_file() for file in files)


def _free(name: str, columns: Mapping[str, Observation], otherwise: str) -> str:
    while name in columns:
        name, otherwise = otherwise, f"{otherwise}_"
    return name


def _shape(file: Path) -> tuple[int, int, int]:
    """Channels, height and width: those of the file, or smaller ones."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            width, height = image.size
            channels = 1 if image.mode in ("1", "L", "I;16") else 3
    except OSError:
        return 3, _SIDE, _SIDE
    return channels, min(height, _SIDE), min(width, _SIDE)
