"""From a position between 0 and 1 to the name of a split, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.conventions import SPLITS
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    import polars


def hashed_position(rows: polars.DataFrame, columns: list[str], seed: int) -> polars.Series:
    """A position in [0, 1) per row that depends only on the columns' values and the seed.

    MurmurHash3 (Appleby 2011) of the values' text, the same in every version and process.
    """
    import polars
    import polars_hash

    keys = (
        text_of(rows, columns)
        .to_frame()
        .select(key=polars.concat_str([polars.all(), polars.lit(str(seed))], separator="\x1f"))
    )
    hashed = keys.select(polars_hash.col("key").nchash.murmur32()).to_series()
    return hashed.cast(polars.Float64) / 2.0**32


def text_of(rows: polars.DataFrame, columns: list[str]) -> polars.Series:
    """The values of the columns as one text per row."""
    import polars

    texts = [_as_text(values_of(rows, name)).alias(f"{place}") for place, name in enumerate(columns)]
    return polars.DataFrame(texts).select(key=polars.concat_str(polars.all(), separator="\x1f")).to_series()


def _as_text(column: polars.Series) -> polars.Series:
    import polars

    if column.dtype.is_nested():
        column = column.cast(polars.List(polars.String)).list.join(",")
    return column.cast(polars.String).fill_null("")


def names_type() -> polars.Enum:
    """The type of a column of split names, one byte a row; "" is no split."""
    import polars

    return polars.Enum([*SPLITS, ""])


def by_position(position: polars.Series, bounds: tuple[float, float]) -> polars.Series:
    """The split that each position falls into; null where there is none."""
    import polars

    place = polars.col("position")
    name = polars.when(place.is_null()).then(None).when(place < bounds[0]).then(polars.lit("train"))
    named = name.when(place < bounds[1]).then(polars.lit("validation")).otherwise(polars.lit("test"))
    return polars.DataFrame({"position": position}).select(split=named.cast(names_type())).to_series()
