"""From a position between 0 and 1 to the name of a split, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import polars


def hashed_position(rows: polars.DataFrame, columns: list[str], seed: int) -> numpy.ndarray:
    """A position in [0, 1) per row that depends only on the columns' values and the seed.

    MurmurHash3 (Appleby 2011) of the values' text, the same in every version and process.
    """
    import polars
    import polars_hash

    texts = [_as_text(rows.schema[name], name) for name in columns]
    key = polars.concat_str([*texts, polars.lit(str(seed))], separator="\x1f")
    keys = rows.select(key=key)
    hashed = keys.select(polars_hash.col("key").nchash.murmur32()).to_series()
    return hashed.to_numpy() / 2.0**32


def _as_text(kind: polars.DataType, name: str) -> polars.Expr:
    import polars

    column = polars.col(name)
    if kind.is_nested():
        column = column.cast(polars.List(polars.String)).list.join(",")
    return column.cast(polars.String).fill_null("")


def by_position(position: numpy.ndarray, bounds: tuple[float, float]) -> polars.Series:
    """The split that each position falls into."""
    import numpy
    import polars

    names = numpy.select([position < bounds[0], position < bounds[1]], ["train", "validation"], "test")
    return polars.Series("split", names.astype(object), dtype=polars.String)
