"""The features by hand in polars, with what the product leaves beside them: checked rows, and a reference for drift."""

import json
import sys
from pathlib import Path

import polars as pl
import polars_streaming as features

CATEGORIES = ["c0", *features.ORDINAL, "bought"]
TEXTS, WORDS = 100_000, 1_000


def checked(rows):
    """The share of gaps in each column; raises where the contract is broken."""
    gaps = pl.all().null_count().name.suffix("_gaps")
    unknown = (~pl.col("bought").is_in(["no", "yes"])).sum().alias("unknown")
    infinite = [pl.col(name).is_infinite().sum().alias(f"{name}_infinite") for name in features.FLOATS]
    found = rows.select(pl.len(), gaps, unknown, *infinite).collect(engine="streaming").row(0, named=True)
    if found["unknown"] or any(found[f"{name}_infinite"] for name in features.FLOATS):
        raise SystemExit("the data breaks its contract")
    return {name: found[f"{name}_gaps"] / found["len"] for name in rows.collect_schema().names()}


def number_reference(values):
    present = values.drop_nulls().sort()
    edges = sorted({present.quantile(place / 10, "linear") for place in range(1, 10)})
    below = [present.search_sorted(edge, "left") for edge in edges]
    counts = [end - start for start, end in zip([0, *below], [*below, len(present)])]
    return {"edges": edges, "fractions": [count / len(values) for count in counts]}


def category_reference(values):
    counts = values.value_counts(sort=True).head(50)
    return {"values": counts[:, 0].to_list(), "fractions": (counts["count"] / len(values)).to_list()}


def text_reference(values):
    texts = values.gather_every(max(1, len(values) // TEXTS)).str.to_lowercase()
    words = texts.str.split(" ").to_frame("word").with_row_index("row").explode("word")
    known = words.unique().group_by("word").len().sort("len", "word", descending=[True, False]).head(WORDS)
    unknown = words.group_by("row").agg((~pl.col("word").is_in(known["word"].implode())).mean())["word"]
    shares = [pl.col("word") <= bound for bound in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)]
    return {
        "words": known["word"].to_list(),
        "length": number_reference(texts.str.len_chars().cast(pl.Float64)),
        "unknown": unknown.to_frame()
        .select(bound.mean().alias(str(n)) for n, bound in enumerate(shares))
        .row(0),
    }


def reference(path):
    kinds = dict.fromkeys(features.NUMBERS, number_reference) | dict.fromkeys(CATEGORIES, category_reference)
    kinds["note"] = text_reference
    return {name: of(pl.read_parquet(path, columns=[name])[name]) for name, of in kinds.items()}


def main(source, folder):
    rows = features.with_splits(features.scanned(source))
    report = {"missing": checked(rows)}
    rows.sink_parquet(features.by_split(folder, "parquet"), compression="lz4")
    report["reference"] = reference(folder / "train.parquet")
    (folder / "report.json").write_text(json.dumps(report))
    features.main(source, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
