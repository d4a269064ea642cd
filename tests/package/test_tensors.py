"""Rows become tensors: every column in its place, what is missing as NaN or as the empty string."""

from __future__ import annotations

from typing import Any

import numpy
import polars
import pytest

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.runtime.packaging.rows import as_json

INPUTS: list[dict[str, Any]] = [
    {"name": "b", "type": "number", "tensor": "numbers", "index": 1},
    {"name": "a", "type": "number", "tensor": "numbers", "index": 0},
    {"name": "s", "type": "text", "tensor": "strings", "index": 0},
    {"name": "p", "type": "image", "tensor": "p", "shape": [1, 2, 2]},
]
PICTURES = polars.Array(polars.Float32, 4)
ROWS = polars.DataFrame(
    {"a": [1, None], "b": [3.5, 4.5], "s": [None, "é"], "p": [[1, 2, 3, 4], None], "unread": [1, 2]},
    schema_overrides={"p": PICTURES},
)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_columns_lie_at_their_index_whatever_their_order(count: int) -> None:
    tensors = pack(ROWS.head(count), INPUTS)
    assert {name: (tensor.shape, tensor.dtype.kind) for name, tensor in tensors.items()} == {
        "numbers": ((count, 2), "f"),
        "strings": ((count, 1), "O"),
        "p": ((count, 1, 2, 2), "f"),
    }
    numpy.testing.assert_array_equal(tensors["numbers"], numpy.array([[1.0, 3.5], [numpy.nan, 4.5]])[:count])
    assert tensors["strings"].ravel().tolist() == ["", "é"][:count]


def test_a_missing_picture_is_no_number_at_all() -> None:
    pictures = pack(ROWS, INPUTS)["p"]
    assert pictures[0].tolist() == [[[1, 2], [3, 4]]]
    assert numpy.isnan(pictures[1]).all()


def test_only_the_tensors_that_are_read_exist() -> None:
    assert list(pack(ROWS, INPUTS[:1])) == ["numbers"]


def test_the_same_rows_as_json() -> None:
    assert as_json(ROWS, INPUTS) == [
        {"b": 3.5, "a": 1, "s": None, "p": [[[1, 2], [3, 4]]]},
        {"b": 4.5, "a": None, "s": "é", "p": None},
    ]
