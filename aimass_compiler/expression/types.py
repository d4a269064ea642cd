"""What a column holds while it flows through the transforms."""

from __future__ import annotations

from msgspec import Struct


class ColumnType(Struct, frozen=True):
    """The type of a column.

    `size` counts the codes of an index and the components of a vector (None when only training
    tells); `shape` is (channels, height, width) of an image.
    """

    name: str
    size: int | None = None
    shape: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return {"index": "a bucket or code", "vector": "a vector", "image": "an image", "id": "an id"}.get(
            self.name, f"a {self.name}" if self.name != "text" else "text"
        )

    @property
    def is_string(self) -> bool:
        """Whether a row holds a string: `""` and null both mean that the value is missing."""
        return self.name in ("category", "text", "id", "time")

    @property
    def is_feature(self) -> bool:
        """Whether a table model can read it as it is."""
        return self.name in ("number", "index", "vector")


NUMBER = ColumnType("number")
CATEGORY = ColumnType("category")
TEXT = ColumnType("text")
ID = ColumnType("id")
TIME = ColumnType("time")
BOOLEAN = ColumnType("boolean")
TOKENS = ColumnType("tokens")


def index(size: int | None = None) -> ColumnType:
    """Codes from 0 to size - 1, and -1 for a missing or unseen value."""
    return ColumnType("index", size=size)


def vector(size: int | None = None) -> ColumnType:
    """Several float32 numbers a row."""
    return ColumnType("vector", size=size)


def image(shape: tuple[int, ...]) -> ColumnType:
    """A float32 array (channels, height, width) a row."""
    return ColumnType("image", shape=shape)
