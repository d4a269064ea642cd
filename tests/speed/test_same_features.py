"""The benchmark of features: what is written by hand equals the product, and differences are reported."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from aimass_compiler.runtime.__main__ import main
from benchmarks.features import rows, verify
from benchmarks.features.__main__ import write_project
from benchmarks.features.peers import polars_streaming

FEATURES = Path("artifacts") / "wide" / "features"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has computed its features, beside what polars did of the same rows by hand."""
    folder = tmp_path_factory.mktemp("features")
    files = rows.write(folder, 3000)
    product, by_hand = folder / "product", folder / "polars"
    product.mkdir()
    by_hand.mkdir()
    write_project(product, files["parquet"])
    for stage in ("prepare", "features"):
        assert main([stage, "wide", "--root", str(product)]) == 0
    polars_streaming.main(files["parquet"], by_hand)
    return folder


@pytest.mark.parametrize("split", verify.SPLITS)
def test_what_polars_computes_by_hand_is_what_the_product_computes(written: Path, split: str) -> None:
    own = verify.product(written / "product" / FEATURES, split)
    assert list(verify.differences(own, verify.arrow(written / "polars", split))) == []


def test_rows_in_another_order_are_the_same_and_other_values_are_told(written: Path) -> None:
    own = verify.product(written / "product" / FEATURES, "test")
    order = numpy.random.default_rng(0).permutation(len(own["n0"]))
    shuffled = {name: values[order] for name, values in own.items()}
    assert list(verify.differences(own, shuffled)) == []
    shuffled["pair"] = shuffled["pair"] + (numpy.arange(len(order)) == 0)
    assert list(verify.differences(own, shuffled)) == [f"pair differs in 1 of {len(order):,} values"]
