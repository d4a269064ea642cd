"""The rows that every contestant reads: 20 columns, of which floats have gaps, as Parquet and as CSV."""

from __future__ import annotations

from pathlib import Path

import numpy
import polars

FLOATS = tuple(f"x{place}" for place in range(10))
INTEGERS = tuple(f"n{place}" for place in range(4))
#: Categories, and how many levels each has.
LEVELS = {"c0": 10, "c1": 50, "c2": 200, "c3": 1000}
TEXT = "note"
TARGET = "bought"
#: The integer that is different in each row, by which they are split.
KEY = INTEGERS[0]
_GAP = 0.1
_VOCABULARY = 2000
_MOST_WORDS = 12
_ROWS_AT_ONCE = 250_000


def write(folder: Path, count: int) -> dict[str, Path]:
    """Write the rows in both formats; answers the files by format."""
    paths = {kind: folder / f"rows.{kind}" for kind in ("parquet", "csv")}
    parts = [
        _rows(number, start, min(start + _ROWS_AT_ONCE, count))
        for number, start in enumerate(range(0, count, _ROWS_AT_ONCE))
    ]
    rows = polars.concat(parts, rechunk=False)
    rows.write_parquet(paths["parquet"], row_group_size=_ROWS_AT_ONCE)
    rows.write_csv(paths["csv"])
    return paths


def _rows(seed: int, start: int, end: int) -> polars.DataFrame:
    chance, count = numpy.random.default_rng(seed), end - start
    columns: dict[str, polars.Series] = {}
    for place, name in enumerate(FLOATS):
        # Few digits, as measurements have them.
        values = numpy.round(chance.normal(place, place + 1, count), 4)
        columns[name] = polars.Series(name, values).set(polars.Series(chance.random(count) < _GAP), None)
    columns[KEY] = polars.Series(KEY, numpy.arange(start, end) * 7 + 1)
    for name in INTEGERS[1:]:
        columns[name] = polars.Series(name, chance.poisson(40, count))
    for name, levels in LEVELS.items():
        # Some levels are frequent, and most are not.
        codes = numpy.minimum((chance.pareto(1.0, count) * levels / 10).astype(int), levels - 1)
        columns[name] = polars.Series(name, codes).cast(polars.String).str.pad_start(4, "v")
    lengths = chance.integers(1, _MOST_WORDS, count)
    words = polars.Series(numpy.array([f"word{place}" for place in range(_VOCABULARY)], dtype=object))
    drawn = words.gather(chance.integers(0, _VOCABULARY, int(lengths.sum())))
    of_row = numpy.repeat(numpy.arange(count), lengths)
    texts = polars.DataFrame({"row": of_row, "word": drawn}).group_by("row", maintain_order=True)
    columns[TEXT] = texts.agg(polars.col("word").str.join(" "))["word"]
    signal = columns["x0"].fill_null(0.0) + chance.normal(size=count)
    columns[TARGET] = (
        polars.DataFrame({"signal": signal})
        .select(polars.when(polars.col("signal") > 0).then(polars.lit("yes")).otherwise(polars.lit("no")))
        .to_series()
    )
    return polars.DataFrame(columns)
