"""The features by hand in polars: lazy, on its streaming engine, written as Arrow files."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import polars_hash as plh

FLOATS = [f"x{place}" for place in range(10)]
NUMBERS = [*FLOATS, *(f"n{place}" for place in range(4))]
BUCKETED = ["x0", "n0"]
ORDINAL = ["c1", "c2", "c3"]
PLACES, WORDS = 1000, 64
SPLITS = ["train", "validation", "test"]


def murmur(text):
    return plh.HExpr._from_pyexpr(text._pyexpr).nchash.murmur32()


def hashed_words(note):
    words = note.str.to_lowercase().str.split(" ").to_frame("word").with_row_index("row").explode("word")
    found = words.select("row", code=murmur(pl.col("word")) % WORDS)
    flat = found["row"].to_numpy().astype(np.int64) * WORDS + found["code"].to_numpy()
    counts = np.zeros(len(note) * WORDS, np.float32)
    np.add.at(counts, flat, np.float32(1))
    return pl.Series(counts.reshape(len(note), WORDS), dtype=pl.Array(pl.Float32, WORDS))


def scanned(source):
    if source.suffix == ".csv":
        return pl.scan_csv(source, schema_overrides={f"c{n}": pl.String for n in range(4)})
    return pl.scan_parquet(source)


def with_splits(rows):
    key = pl.concat_str(pl.col("n0").cast(pl.Float64).cast(pl.String), pl.lit("0"), separator="\x1f")
    position = murmur(key) / 2.0**32
    split = pl.when(position < 0.8).then(0).when(position < 0.9).then(1).otherwise(2).cast(pl.Int8)
    return rows.with_columns(split=split)


def by_split(folder, ending):
    return pl.PartitionBy(
        folder,
        key="split",
        include_key=False,
        approximate_bytes_per_file=None,
        file_path_provider=lambda part: f"{SPLITS[part.partition_keys.item()]}.{ending}",
    )


def main(source, folder):
    rows = with_splits(scanned(source))
    train = rows.filter(pl.col("split") == 0)

    first = pl.collect_all(
        [train.select(pl.col(FLOATS).median()), *(train.group_by(name).len() for name in ["c0", *ORDINAL])],
        engine="streaming",
    )
    medians = first[0].row(0, named=True)
    filled = [pl.col(name).fill_null(medians[name]) for name in FLOATS]
    counts = {
        name: found.sort(["len", name], descending=[True, False])[name].to_list()
        for name, found in zip(["c0", *ORDINAL], first[1:])
    }
    statistics = [
        *(pl.col(NUMBERS).mean().name.suffix("_mean"), pl.col(NUMBERS).std(ddof=0).name.suffix("_std")),
        *(
            pl.col(name).quantile(n / 10, "linear").alias(f"{name}_{n}")
            for name in BUCKETED
            for n in range(1, 10)
        ),
    ]
    second = train.with_columns(filled).select(statistics).collect(engine="streaming").row(0, named=True)

    def code(name, terms):
        return pl.col(name).replace_strict(terms, range(len(terms)), default=-1, return_dtype=pl.Int32)

    def bucket(name):
        bounds = sorted({second[f"{name}_{n}"] for n in range(1, 10)})
        return pl.col(name).bin_intervals(bounds, labels=False).cast(pl.Int32)

    computed = rows.with_columns(filled).select(
        "split",
        *(((pl.col(n) - second[f"{n}_mean"]) * (1 / second[f"{n}_std"])).cast(pl.Float32) for n in NUMBERS),
        *(bucket(name).alias(f"{name}_bucket") for name in BUCKETED),
        (murmur(pl.concat_str("c1", "c2", separator="\x1f")) % PLACES).cast(pl.Int32).alias("pair"),
        code("c0", sorted(counts["c0"])),
        *(code(name, counts[name]) for name in ORDINAL),
        pl.col("note").map_batches(
            hashed_words, return_dtype=pl.Array(pl.Float32, WORDS), is_elementwise=True
        ),
        (pl.col("bought") == "yes").cast(pl.Int64),
    )
    computed.sink_ipc(by_split(folder, "arrow"), compression="uncompressed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
