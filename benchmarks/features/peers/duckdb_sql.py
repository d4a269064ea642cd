"""The features by hand in SQL, on DuckDB, written as Parquet; hashes by functions in NumPy and polars-hash."""

import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa

FLOATS = [f"x{place}" for place in range(10)]
NUMBERS = [*FLOATS, *(f"n{place}" for place in range(4))]
CATEGORIES = ["c0", "c1", "c2", "c3"]
PLACES, WORDS = 1000, 64


def murmur(texts):
    series = pl.Series("text", pl.from_arrow(texts)).to_frame()
    return series.select(plh.col("text").nchash.murmur32())["text"].to_arrow()


def hashed_words(notes):
    words = pl.Series("word", pl.from_arrow(notes)).str.to_lowercase().str.split(" ").to_frame()
    found = words.with_row_index("row").explode("word")
    codes = found.select(plh.col("word").nchash.murmur32() % WORDS)["word"].to_numpy()
    flat = found["row"].to_numpy().astype(np.int64) * WORDS + codes
    counts = np.bincount(flat, minlength=len(words) * WORDS).astype(np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(counts), WORDS)


def main(source, folder):
    db = duckdb.connect()
    db.execute(f"set temp_directory = '{folder}/spilled'")
    db.create_function("murmur", murmur, ["VARCHAR"], "UINTEGER", type="arrow")
    db.create_function("hashed_words", hashed_words, ["VARCHAR"], f"FLOAT[{WORDS}]", type="arrow")
    rows = f"read_parquet('{source}')"
    if source.suffix == ".csv":
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in CATEGORIES)
        rows = f"read_csv('{source}', types = {{{types}}})"
    db.execute(
        "create temp table rows as select * exclude position, case when position < 0.8 then 'train' "
        "when position < 0.9 then 'validation' else 'test' end split from "
        f"(select *, murmur(n0::DOUBLE::VARCHAR || chr(31) || '0') / 2.0**32 as position from {rows})"
    )
    medians = ask(db, [f"median({name})" for name in FLOATS])
    number = {name: f"{name}::DOUBLE" for name in NUMBERS}
    number |= {name: f"coalesce({name}, {value!r})" for name, value in zip(FLOATS, medians)}
    means = ask(db, [f"avg({number[name]})" for name in NUMBERS])
    deviations = ask(db, [f"stddev_pop({number[name]})" for name in NUMBERS])
    shares = [place / 10 for place in range(1, 10)]
    quantiles = ask(db, [f"quantile_cont({number[name]}, {shares})" for name in ("x0", "n0")])
    columns = [
        f"(({number[name]} - {mean!r}) * {1 / deviation!r})::FLOAT as {name}"
        for name, mean, deviation in zip(NUMBERS, means, deviations)
    ]
    for name, bounds in zip(("x0", "n0"), quantiles):
        reached = " + ".join(f"({number[name]} >= {bound!r})::INTEGER" for bound in sorted(set(bounds)))
        columns.append(f"({reached}) as {name}_bucket")
    columns.append(f"(murmur(rows.c1 || chr(31) || rows.c2) % {PLACES})::INTEGER as pair")
    joins = ""
    for name in CATEGORIES:
        order = name if name == "c0" else f"count(*) desc, {name}"
        db.execute(
            f"create temp table terms_{name} as select {name} as term, row_number() over (order by {order}) - 1 "
            f"as code from rows where split = 'train' group by {name}"
        )
        joins += f" left join terms_{name} on rows.{name} = terms_{name}.term"
        columns.append(f"coalesce(terms_{name}.code, -1)::INTEGER as {name}")
    columns += ["hashed_words(note) as note", "(bought = 'yes')::BIGINT as bought"]
    for split in ("train", "validation", "test"):
        db.execute(
            f"copy (select {', '.join(columns)} from rows{joins} where split = '{split}' order by rows.rowid) "
            f"to '{folder}/{split}.parquet' (format parquet, compression lz4_raw)"
        )


def ask(db, wanted):
    return db.execute(f"select {', '.join(wanted)} from rows where split = 'train'").fetchone()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
