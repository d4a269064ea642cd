"""The matrices between features and training: .npy files, memory-mapped by every worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy

from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.feature_matrix import FeatureMatrix, Layout
from aimass_compiler.catalog.forecast import STEP, SeriesRows
from aimass_compiler.runtime.workspace import read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def write_examples(folder: Path, split: str, x: NDArray[numpy.float32], y: NDArray[numpy.generic]) -> None:
    """Write `{split}_x.npy` and `{split}_y.npy`."""
    write_matrix(folder, split, len(x), numpy.dtype(("<f4", x.shape[1:])), [x])
    write_target(folder, split, y)


def write_target(
    folder: Path,
    split: str,
    y: NDArray[numpy.generic],
    weights: NDArray[numpy.float64] | None = None,
    series: SeriesRows | None = None,
) -> None:
    """Write `{split}_y.npy`: the targets, each beside its row's weight and place in a series, if any."""
    beside = {} if weights is None else {"weight": weights}
    if series is not None:
        beside |= {name: getattr(series, name) for name in SeriesRows.__struct_fields__}
    if beside:
        both = numpy.empty(
            len(y), [("target", y.dtype, y.shape[1:]), *((name, part.dtype) for name, part in beside.items())]
        )
        for name, part in {"target": y, **beside}.items():
            both[name] = part
        y = both
    with replacing(folder / f"{split}_y.npy") as temporary, temporary.open("wb") as stream:
        numpy.save(stream, y, allow_pickle=False)


def write_matrix(
    folder: Path, split: str, count: int, row: numpy.dtype[Any], blocks: Iterable[NDArray[Any]]
) -> None:
    """Write `{split}_x.npy`, so many rows of a type, from blocks of which memory holds one at a time.

    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    descr = numpy.lib.format.dtype_to_descr(row.base)
    header = {"descr": descr, "fortran_order": False, "shape": (count, *row.shape)}
    with replacing(folder / f"{split}_x.npy") as temporary, temporary.open("wb") as stream:
        numpy.lib.format.write_array_header_1_0(stream, header)
        for block in blocks:
            stream.write(numpy.ascontiguousarray(block, row.base).data)


def read_examples(folder: Path, split: str) -> Examples:
    """The rows of a split, mapped from disk, not read."""
    x = numpy.load(folder / f"{split}_x.npy", mmap_mode="r", allow_pickle=False)
    y = numpy.load(folder / f"{split}_y.npy", mmap_mode="r", allow_pickle=False)
    weights, series, beside = None, None, y.dtype.names or ()
    if "weight" in beside:
        weights = numpy.array(y["weight"])
    if STEP in beside:
        series = SeriesRows(**{name: numpy.array(y[name]) for name in SeriesRows.__struct_fields__})
    y = numpy.array(y["target"]) if beside else y
    if x.dtype.kind == "f":
        return Examples(x=x, y=y, weights=weights, series=series)
    description = read_json(folder / Path(artifacts.FEATURES).name)
    if x.dtype.names is None:
        return Examples(x=x, y=y, weights=weights, codes=description["codes"], series=series)
    layout = msgspec.convert({"blocks": description["blocks"]}, Layout)
    return Examples(FeatureMatrix(layout, x), y, weights, series=series)
