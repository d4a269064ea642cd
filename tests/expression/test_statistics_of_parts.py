"""What is learnt of rows in parts is what is learnt of all at once, and sketches are as near as they say."""

from __future__ import annotations

from typing import Any

import numpy
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog.task import Task
from aimass_compiler.engines import local
from aimass_compiler.expression import ranks
from aimass_compiler.expression.algebra import Column, Pack, Words
from aimass_compiler.expression.column_types import Number, Text
from aimass_compiler.expression.covariance import Covariance
from aimass_compiler.expression.group_values import GroupSummary
from aimass_compiler.expression.statistics import (
    FrequentTerms,
    MostFrequent,
    Quantiles,
    Statistic,
    Summary,
    Variances,
    learn,
)

TASK = Task(kind="regression", target="a")
A, B, NOTE = Column("a", Number()), Column("b", Number()), Column("note", Text())
STATISTICS: dict[str, Statistic] = {
    **{
        name: Summary(A, name)  # type: ignore[arg-type]  # each is one of its names
        for name in ("mean", "standard_deviation", "median", "minimum", "maximum")
    },
    "quantiles": Quantiles(A, (0.1, 0.5, 0.9)),
    "frequent": MostFrequent(B, limit=3),
    "terms": FrequentTerms(Words(NOTE), limit=4, longest=2),
    "groups": GroupSummary(A, by=NOTE, name="median", limit=2),
    "covariances": Covariance(Pack((A, B), ("a", "b"))),
    "variances": Variances(Pack((A, B), ("a", "b"))),
}
ROW = st.tuples(
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.integers(0, 4),
    st.sampled_from(["x", "x y", "y z x", ""]),
)


def learnt(rows: polars.DataFrame, size: int) -> dict[str, Any]:
    parts = list(rows.iter_slices(size))
    table = local.Local().table([rows]).with_columns(lambda block: block)
    table.blocks = lambda: iter(parts)  # type: ignore[method-assign]  # parts of a size that no schema asks for
    return learn(table, STATISTICS, TASK)


@given(rows=st.lists(ROW, min_size=1, max_size=40), size=st.integers(1, 12))
def test_parts_teach_what_all_rows_teach(rows: list[Any], size: int) -> None:
    schema = {"a": polars.Float64, "b": polars.Float64, "note": polars.String}
    table = polars.DataFrame(rows, schema=schema, orient="row")
    whole, parts = learnt(table, len(rows)), learnt(table, size)
    for name, expected in whole.items():
        if name in ("frequent", "terms", "groups"):
            assert parts[name] == expected
        elif name == "covariances":
            for part, of_all in zip(parts[name], expected, strict=True):
                numpy.testing.assert_allclose(part, of_all, rtol=1e-9, atol=1e-6)
        else:
            numpy.testing.assert_allclose(parts[name], expected, rtol=1e-9, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("order", ["random", "ascending"])
def test_a_sketch_is_as_near_as_it_says(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "EXACT", 2**12)
    monkeypatch.setattr(ranks, "_BUFFER", 2**10)
    values = numpy.random.default_rng(0).permutation(300_000).astype(float)
    values = numpy.sort(values) if order == "ascending" else values
    found = ranks.Ranks.of(polars.Series(values[:5000]))
    for part in numpy.array_split(values[5000:], 30):
        found = found.and_later(ranks.Ranks.of(polars.Series(part)))
    shares = (0.0, 0.01, 0.25, 0.5, 0.9, 1.0)
    error = numpy.log2(len(values) / 2**10) / 2**11
    numpy.testing.assert_allclose(numpy.array(found.quantiles(shares)) / len(values), shares, atol=error)
    assert found.median() == found.quantiles([0.5])[0]
