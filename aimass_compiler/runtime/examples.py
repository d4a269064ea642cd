"""The matrices between features and training: plain .npy files, memory-mapped by every worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.catalog.model import Examples
from aimass_compiler.runtime.workspace import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


def write_examples(folder: Path, split: str, x: NDArray[numpy.float32], y: NDArray[numpy.generic]) -> None:
    """Write `{split}_x.npy` and `{split}_y.npy`."""
    write_matrix(folder, split, x.shape, [x])
    write_target(folder, split, y)


def write_target(folder: Path, split: str, y: NDArray[numpy.generic]) -> None:
    """Write `{split}_y.npy`."""
    with replacing(folder / f"{split}_y.npy") as temporary, temporary.open("wb") as stream:
        numpy.save(stream, y, allow_pickle=False)


def write_matrix(
    folder: Path, split: str, shape: Sequence[int], blocks: Iterable[NDArray[numpy.float32]]
) -> None:
    """Write `{split}_x.npy` from blocks of rows, of which memory holds one at a time.

    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
    with replacing(folder / f"{split}_x.npy") as temporary, temporary.open("wb") as stream:
        numpy.lib.format.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(numpy.ascontiguousarray(block, "<f4").data)


def read_examples(folder: Path, split: str) -> Examples:
    """The rows of a split, mapped from disk, not read."""
    x = numpy.load(folder / f"{split}_x.npy", mmap_mode="r", allow_pickle=False)
    y = numpy.load(folder / f"{split}_y.npy", mmap_mode="r", allow_pickle=False)
    return Examples(x=x, y=y)
