"""Rows are predicted in parts, so that a long text is no column of a wide table for many rows."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.conventions import NUMBERS_TENSOR, STRINGS_TENSOR
from aimass_compiler.runtime.server import row_parts
from aimass_compiler.runtime.server.row_parts import row_parts as parts_of
from tests.examples import at_most

lengths = st.lists(st.sampled_from([0, 1, 3, 9, 40, 200]), min_size=1, max_size=40)


@at_most(60)
@given(lengths)
def test_a_long_text_stands_beside_few_others(lengths: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_parts, "_MOST_ROWS", 16)
        patch.setattr(row_parts, "_MOST_LETTERS", 100)
        texts = numpy.array([["x", "a" * length] for length in lengths], dtype=object)
        parts = [*parts_of({STRINGS_TENSOR: texts})]
    rows = range(len(lengths))
    assert [row for part in parts for row in rows[part]] == [*rows]
    for part in parts:
        own = [max(1, length) for length in lengths[part]]
        assert len(own) == 1 or (len(own) <= 16 and len(own) * max(own) <= 100)


def test_rows_of_numbers_are_taken_by_thousands() -> None:
    tensors = {NUMBERS_TENSOR: numpy.zeros((10_000, 2))}
    assert [*parts_of(tensors)] == [slice(0, 4096), slice(4096, 8192), slice(8192, 12288)]


def test_a_megabyte_beside_many_rows_is_asked_alone() -> None:
    texts = numpy.array([["short"]] * 1000 + [["a b " * 250_000]] + [["short"]] * 1000, dtype=object)
    assert [*parts_of({STRINGS_TENSOR: texts})] == [
        slice(0, 1000), slice(1000, 1004), slice(1004, 2001),
    ]  # fmt: skip
