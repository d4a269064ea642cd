"""Whether every contestant computed the same features: as a table of equal columns, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy
import polars

from aimass_compiler.catalog.feature_matrix import Layout
from benchmarks.features.rows import FLOATS, INTEGERS, KEY, TARGET, TEXT

SPLITS = ("train", "validation", "test")
NUMBERS = (*FLOATS, *INTEGERS)
CODES = ("x0_bucket", "n0_bucket", "pair", "c0", "c1", "c2", "c3")
WORDS, PLACES, LEVELS = 64, 1000, 10
#: Means of millions of numbers differ in their last bits by the order in which they are added.
_TOLERANCE = 1e-5

Columns = Mapping[str, numpy.ndarray]


def differences(own: Columns, other: Columns) -> Iterator[str]:
    """What is not the same, each as a sentence; rows in any order, as their key tells."""
    for name in (*NUMBERS, *CODES, TEXT, TARGET):
        mine, theirs = own[name][_order(own)], other[name][_order(other)]
        if mine.shape != theirs.shape:
            yield f"{name} has {theirs.shape} values, not {mine.shape}"
            continue
        apart = ~numpy.isclose(mine, theirs, rtol=_TOLERANCE, atol=_TOLERANCE)
        # A value on the bound of a bucket may fall to either side of what was rounded.
        if apart.sum() > len(mine) * (_TOLERANCE if name.endswith("_bucket") else 0):
            yield f"{name} differs in {apart.sum():,} of {apart.size:,} values"


def _order(columns: Columns) -> numpy.ndarray:
    return numpy.argsort(columns[KEY], kind="stable")


def product(folder: Path, split: str) -> Columns:
    """What the product has written into artifacts/wide/features."""
    description = json.loads((folder / "features.json").read_text())
    layout = msgspec.convert({"blocks": description["blocks"]}, Layout)
    stored = numpy.load(folder / f"{split}_x.npy", mmap_mode="r")
    names = description["names"]
    kept = [names[place] for place in layout.number_places]
    found = {name: stored["numbers"][:, kept.index(name)] for name in (*NUMBERS, *CODES) if name in kept}
    words = kept.index(f"{TEXT}#0")
    found[TEXT] = stored["numbers"][:, words : words + WORDS]
    for place, start in enumerate(layout.category_offsets):
        found["pair" if names[start].startswith("pair#") else "c0"] = stored["codes"][:, place]
    if "c0" not in found:  # ten places are kept as they are
        first = next(place for place, name in enumerate(kept) if name.startswith("c0="))
        found["c0"] = _place_of_one(stored["numbers"][:, first : first + LEVELS])
    return found | {TARGET: numpy.load(folder / f"{split}_y.npy")}


def _place_of_one(one_hot: numpy.ndarray) -> numpy.ndarray:
    return numpy.where(one_hot.any(axis=1), one_hot.argmax(axis=1), -1)


def _framed(frame: polars.DataFrame) -> Columns:
    return {name: frame[name].to_numpy() for name in frame.columns}


def arrow(folder: Path, split: str) -> Columns:
    """What polars has written."""
    return _framed(polars.read_ipc(folder / f"{split}.arrow"))


def parquet(folder: Path, split: str) -> Columns:
    """What DuckDB has written."""
    return _listed(polars.read_parquet(folder / f"{split}.parquet"))


def partitions(folder: Path, split: str) -> Columns:
    """What Ray Data has written: folders of files."""
    return _listed(polars.read_parquet(folder / f"split={SPLITS.index(split)}" / "*.parquet"))


def _listed(frame: polars.DataFrame) -> Columns:
    return _framed(frame.with_columns(polars.col(TEXT).cast(polars.Array(polars.Float32, WORDS))))


def matrix(folder: Path, split: str) -> Columns:
    """What scikit-learn's columns are, as the contestant puts them side by side."""
    found = numpy.load(folder / f"{split}_x.npy", mmap_mode="r")
    names = [*NUMBERS, "x0_bucket", "n0_bucket", "pair"]
    columns = {name: found[:, place] for place, name in enumerate(names)}
    start = len(names)
    columns["c0"] = _place_of_one(found[:, start : start + LEVELS])
    start += LEVELS
    columns |= {name: found[:, start + place] for place, name in enumerate(("c1", "c2", "c3"))}
    columns[TEXT] = found[:, start + 3 :]
    return columns | {TARGET: numpy.load(folder / f"{split}_y.npy")}


Reader = Callable[[Path, str], Columns]
