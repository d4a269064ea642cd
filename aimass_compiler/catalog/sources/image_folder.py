"""Image files in folders, one row a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.source import Rows, Source, UnreadableError, inside
from aimass_compiler.conventions import FILE_PATH

SUFFIXES = (".png", ".jpg", ".jpeg")


def _local(path: str) -> str:
    if "://" in path:
        raise PydanticCustomError(
            "remote_images",
            "`{path}` is a URL, and images are read from a folder of the project",
            {"path": path},
        )
    return path


class ImageFolder(Source):
    """PNG and JPEG files of a folder, one row a file, in the order of their names.

    A row has three columns: the `image`, the `label`, which is the name of the folder that the file is in,
    and the `file`, its path below the folder, such as `cat/17.png`, to join a table to that names files.
    """

    short_form: ClassVar[str | None] = "path"

    path: Annotated[str, AfterValidator(inside), AfterValidator(_local)]
    """The folder below the project's root; files in folders of any depth below it are read."""
    image: Annotated[str, Field(min_length=1)] = "image"
    """What the column with the images is called."""
    label: Annotated[str, Field(min_length=1)] = "label"
    """What the column with the names of the folders is called."""
    file: Annotated[str, Field(min_length=1)] = "file"
    """What the column with the files' paths is called."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({self.image, self.label, self.file}) < 3:  # noqa: PLR2004  # the three names
            raise PydanticCustomError("same_name", "`image`, `label` and `file` need different names", {})
        return self

    @property
    def shown(self) -> str:
        return self.path

    def dependencies(self) -> tuple[str, ...]:
        return (self.path,)

    def egress(self) -> bool:
        return False

    def image_columns(self) -> tuple[str, ...]:
        return (self.image,)

    def unique_columns(self) -> tuple[str, ...]:
        return (self.file,)

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        import polars

        folder = root / self.path
        found = sorted(
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not found:
            hint = f"images are files that end in {', '.join(SUFFIXES)}; paths start at the project's root"
            raise UnreadableError(f"there is no image below {self.path}", hint)
        labels = [PurePosixPath(name).parent.name or None for name in found]
        columns = {
            # Decoded later, block by block.
            self.image: polars.DataFrame({FILE_PATH: [f"{folder}/{name}" for name in found]}).to_struct(),
            self.label: polars.Series(labels, dtype=polars.String),
            self.file: polars.Series(found),
        }
        chosen = {name: values for name, values in columns.items() if wanted is None or name in wanted}

        def place(row: int) -> str:
            return f"{self.path}/{found[row]}"

        return Rows((polars.DataFrame(chosen),), tuple(columns), place)
