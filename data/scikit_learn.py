"""Three data sets that come with scikit-learn, as the files a project would have."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars
from sklearn import datasets

if TYPE_CHECKING:
    from collections.abc import Mapping

_BRIGHTEST = 16
_IMAGE_PIXELS = 64


def breast_cancer() -> Mapping[str, bytes]:
    """569 biopsies: 30 measures of cell nuclei, benign or malignant (Street et al. 1993)."""
    found = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in found.feature_names]
    table = polars.DataFrame(found.data, schema=names, orient="row")
    diagnosis = ["malignant" if code == 0 else "benign" for code in found.target]
    return {"breast_cancer.csv": _csv(table.with_columns(polars.Series("diagnosis", diagnosis)))}


def diabetes() -> Mapping[str, bytes]:
    """442 patients: ten measures and how far diabetes has come a year later (Efron et al. 2004)."""
    found = datasets.load_diabetes(scaled=False)
    table = polars.DataFrame(found.data, schema=list(found.feature_names), orient="row")
    sex = polars.col("sex").cast(polars.Int64)  # a code, not a measure
    return {"diabetes.csv": _csv(table.with_columns(sex, polars.Series("progression", found.target)))}


def digits() -> Mapping[str, bytes]:
    """1,797 handwritten digits, 8 by 8 pixels from 0 (paper) to 1 (ink) (Alpaydin and Kaynak 1998)."""
    found = datasets.load_digits()
    pixels = (found.data / _BRIGHTEST).astype("float32")
    images = polars.Series("image", pixels, dtype=polars.Array(polars.Float32, _IMAGE_PIXELS))
    labels = polars.Series("digit", [str(code) for code in found.target])
    table = polars.DataFrame([images.cast(polars.List(polars.Float32)), labels])
    stream = io.BytesIO()
    table.write_parquet(stream)
    return {"digits.parquet": stream.getvalue()}


def _csv(table: polars.DataFrame) -> bytes:
    return table.write_csv().encode()
