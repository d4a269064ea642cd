"""The features by hand with Ray Data, written as Parquet; what is learned is computed of columns that the driver collects."""

import os
import sys
from pathlib import Path

os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc
import ray
from pyarrow.csv import ConvertOptions

FLOATS = [f"x{place}" for place in range(10)]
NUMBERS = [*FLOATS, *(f"n{place}" for place in range(4))]
ORDINAL = ["c1", "c2", "c3"]
CATEGORIES = ["c0", *ORDINAL]
BUCKETED = ["x0", "n0"]
PLACES, WORDS = 1000, 64


def murmur(texts):
    return texts.to_frame("text").select(plh.col("text").nchash.murmur32())["text"].to_numpy()


def with_split(batch):
    keys = pl.Series(pl.from_arrow(batch["n0"])).cast(pl.Float64).cast(pl.String) + "\x1f0"
    position = murmur(keys) / 2.0**32
    return batch.append_column("split", pa.array(np.digitize(position, [0.8, 0.9]).astype(np.int8)))


def features(batch, medians, means, deviations, bounds, terms):
    filled = {name: batch[name].to_numpy().astype(float) for name in NUMBERS}
    for name in FLOATS:
        filled[name] = np.where(np.isnan(filled[name]), medians[name], filled[name])
    found = {
        name: ((filled[name] - means[name]) * (1 / deviations[name])).astype(np.float32) for name in NUMBERS
    }
    for name in BUCKETED:
        found[f"{name}_bucket"] = np.digitize(filled[name], bounds[name]).astype(np.int32)
    texts = {name: pl.Series(pl.from_arrow(batch[name])) for name in ["note", *CATEGORIES]}
    found["pair"] = (murmur(texts["c1"] + "\x1f" + texts["c2"]) % PLACES).astype(np.int32)
    for name in CATEGORIES:
        places = {term: place for place, term in enumerate(terms[name])}
        found[name] = texts[name].replace_strict(places, default=-1, return_dtype=pl.Int32).to_numpy()
    words = texts["note"].str.to_lowercase().str.split(" ")
    of_row = np.repeat(np.arange(len(words)), words.list.len().to_numpy())
    flat = of_row * WORDS + murmur(words.explode()) % WORDS
    counts = np.bincount(flat, minlength=len(words) * WORDS).astype(np.float32)
    found["note"] = pa.FixedSizeListArray.from_arrays(pa.array(counts), WORDS)
    found["bought"] = pc.equal(batch["bought"], "yes").cast(pa.int64())
    return pa.table({**found, "split": batch["split"]})


def main(source, folder):
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="error")
    texts = ConvertOptions(column_types={name: pa.string() for name in CATEGORIES})
    read = (
        ray.data.read_csv(str(source), convert_options=texts)
        if source.suffix == ".csv"
        else ray.data.read_parquet(str(source))
    )
    rows = read.map_batches(with_split, batch_format="pyarrow").materialize()
    train = rows.map_batches(lambda batch: batch.filter(pc.equal(batch["split"], 0)), batch_format="pyarrow")

    parts = ray.get(train.select_columns([*NUMBERS, *CATEGORIES]).to_arrow_refs())
    learnt = pl.from_arrow(pa.concat_tables(parts))
    del parts

    medians, means, deviations, bounds, terms = {}, {}, {}, {}, {}
    for name in NUMBERS:
        values = learnt[name]
        if name in FLOATS:
            medians[name] = values.median()
            values = values.fill_null(medians[name])
        means[name], deviations[name] = values.mean(), values.std(ddof=0)
        if name in BUCKETED:
            bounds[name] = sorted({values.quantile(place / 10, "linear") for place in range(1, 10)})
    for name in CATEGORIES:
        counts = dict(learnt[name].value_counts().rows())
        terms[name] = sorted(counts, key=lambda term: (-counts[term], term) if name != "c0" else term)
    learned = {"medians": medians, "means": means, "deviations": deviations, "bounds": bounds, "terms": terms}
    computed = rows.map_batches(features, batch_format="pyarrow", fn_kwargs=learned)
    computed.write_parquet(str(folder), partition_cols=["split"])
    ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
