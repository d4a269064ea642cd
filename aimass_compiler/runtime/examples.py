"""The matrices between features and training: plain .npy files, memory-mapped by every worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.model import Examples
from aimass_compiler.runtime.workspace import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_examples(folder: Path, split: str, x: NDArray[numpy.float32], y: NDArray[numpy.generic]) -> None:
    """Write `{split}_x.npy` and `{split}_y.npy`."""
    for name, values in (("x", x), ("y", y)):
        with replacing(folder / f"{split}_{name}.npy") as temporary, temporary.open("wb") as stream:
            numpy.save(stream, values, allow_pickle=False)


def read_examples(folder: Path, split: str) -> Examples:
    """The rows of a split, mapped from disk, not read."""
    x = numpy.load(folder / f"{split}_x.npy", mmap_mode="r", allow_pickle=False)
    y = numpy.load(folder / f"{split}_y.npy", mmap_mode="r", allow_pickle=False)
    return Examples(x=x, y=y)
