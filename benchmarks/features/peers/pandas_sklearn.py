"""The features by hand with pandas and scikit-learn, written as NumPy files."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.utils import murmurhash3_32

FLOATS = [f"x{place}" for place in range(10)]
INTEGERS = [f"n{place}" for place in range(4)]
ORDINAL = ["c1", "c2", "c3"]
PLACES, WORDS = 1000, 64


def murmur(texts):
    return np.array([murmurhash3_32(text, positive=True) for text in texts], dtype=np.uint32)


def crossed(rows):
    codes, pairs = pd.factorize(rows["c1"] + "\x1f" + rows["c2"])
    return (murmur(pairs) % PLACES).astype(np.int32)[codes].reshape(-1, 1)


def hashed_words(rows):
    words = rows["note"].str.lower().str.split(" ")
    of_row = np.repeat(np.arange(len(rows)), words.str.len())
    codes, known = pd.factorize(np.concatenate(words.to_numpy()))
    places = (murmur(known) % WORDS)[codes]
    counts = np.bincount(of_row * WORDS + places, minlength=len(rows) * WORDS)
    return counts.reshape(len(rows), WORDS).astype(np.float32)


def by_frequency(column):
    counts = column.value_counts().to_dict()
    return sorted(counts, key=lambda name: (-counts[name], name))


def buckets():
    return KBinsDiscretizer(
        10, encode="ordinal", strategy="quantile", quantile_method="linear", subsample=None
    )


def main(source, folder):
    types = {f"c{place}": str for place in range(4)}
    rows = pd.read_csv(source, dtype=types) if source.suffix == ".csv" else pd.read_parquet(source)
    position = murmur(f"{key}.0\x1f0" for key in rows["n0"]) / 2.0**32
    split = np.where(position < 0.8, "train", np.where(position < 0.9, "validation", "test"))
    train = rows[split == "train"]
    orders = [by_frequency(train[name]) for name in ORDINAL]
    features = ColumnTransformer(
        [
            ("floats", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), FLOATS),
            ("integers", StandardScaler(), INTEGERS),
            ("x0_bucket", make_pipeline(SimpleImputer(strategy="median"), buckets()), ["x0"]),
            ("n0_bucket", buckets(), ["n0"]),
            ("pair", FunctionTransformer(crossed), ["c1", "c2"]),
            ("c0", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32), ["c0"]),
            (
                "ordinal",
                OrdinalEncoder(categories=orders, handle_unknown="use_encoded_value", unknown_value=-1),
                ORDINAL,
            ),
            ("note", FunctionTransformer(hashed_words), ["note"]),
        ]
    ).fit(train)
    for name in ("train", "validation", "test"):
        part = rows[split == name]
        # The place of a pair stays a code: a thousand columns of it would not fit.
        np.save(folder / f"{name}_x.npy", features.transform(part).astype(np.float32))
        np.save(folder / f"{name}_y.npy", (part["bought"] == "yes").to_numpy(np.int64))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
