"""Series of any length up to the declared one are read in training as the server reads them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy
import orjson
import polars
import pytest
from jsonschema import Draft202012Validator

from aimass_compiler.catalog.artifacts._tensors import pack
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.columns import SeriesColumn
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.load_test.protocols import DIALECTS, ServedSignature
from aimass_compiler.runtime.packaging.rows import as_json
from aimass_compiler.runtime.packaging.signature import contract_of
from aimass_compiler.runtime.server.contract import ColumnContract
from aimass_compiler.runtime.server.documents import openapi_document
from aimass_compiler.runtime.server.model_signature import Signature, read_signature
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.server.tensors import TensorReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

NAN = math.nan
PLAIN = SeriesColumn(type="series", length=3, missing=0.5)
PAIRS = SeriesColumn(type="series", length=2, channels=2)
TASK = Task(kind="regression", target="y")


def typed(values: list[Any], column: SeriesColumn) -> tuple[polars.DataFrame, int]:
    """The series of a file, and how many are none."""
    rows, misfits = contract.typed(polars.DataFrame({"load": values}, strict=False), {"load": column})
    return rows, sum(found.rows for found in misfits.values())


def signature_of(column: SeriesColumn, rows: polars.DataFrame) -> tuple[Signature, list[dict[str, Any]]]:
    """What a package says of the one column, and what packs it."""
    read = [{"name": "load", "type": "series", "tensor": "load", "shape": list(column.column_type.shape)}]
    collected: Mapping[str, Any] = {"written": {}, "marks": {}, "undeclared": []}
    found = contract_of(TASK, {"load": column}, read, collected, rows)
    named = {"model": "m", "version": "0" * 12, "trained_at": "2026-01-02T03:04:05Z"}
    return read_signature({**named, **found}), found["inputs"]


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        ([1.0, 2.0], PLAIN, [1, 2, NAN]),
        ([1, 2, 3], PLAIN, [1, 2, 3]),
        ([[1.0, 2.0]], PAIRS, [1, 2, NAN, NAN]),
        ([1.0, 2.0, 3.0, 4.0], PAIRS, [1, 2, 3, 4]),
    ],
)
def test_a_series_is_filled_up_behind_its_last_step(
    value: Any, column: SeriesColumn, expected: list[float]
) -> None:
    rows, misfits = typed([value, None], column)
    assert misfits == 0
    numpy.testing.assert_array_equal(rows["load"][0].to_list(), expected)
    assert rows["load"][1] is None


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ([], PLAIN),
        ([1.0, 2.0, 3.0, 4.0], PLAIN),
        ([1.0, None], PLAIN),
        ([1.0, NAN], PLAIN),
        ([1.0, math.inf], PLAIN),
        ([1.0, 2.0, 3.0], PAIRS),
        ([[1.0, 2.0], [3.0]], PAIRS),
        ([[1.0, 2.0], None], PAIRS),
        ([[1.0, 2.0]] * 3, PAIRS),
        ("1, 2", PLAIN),
    ],
)
def test_what_is_no_series_is_reported(value: Any, column: SeriesColumn) -> None:
    assert typed([value], column)[1] == 1


@pytest.mark.parametrize(
    ("values", "column"),
    [([[1.5], [1.0, 2.0, 3.0], None], PLAIN), ([[[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]], PAIRS)],
)
def test_what_was_trained_on_is_asked_and_read_alike(values: list[Any], column: SeriesColumn) -> None:
    rows, _ = typed(values, column)
    signature, inputs = signature_of(column, rows)
    asked = as_json(rows, inputs)
    assert [row["load"] for row in asked] == values
    served = RowReader(signature, 1000).tensors(asked)
    numpy.testing.assert_array_equal(served["load"], pack(rows, inputs)["load"])
    ColumnContract(signature).check(served)
    row = Draft202012Validator(openapi_document(signature)["components"]["schemas"]["Row"])
    assert all(map(row.is_valid, asked))
    assert not row.is_valid({"load": []})


def served(load: Any, column: SeriesColumn) -> NDArray[Any]:
    signature, _ = signature_of(column, typed([[[1.0, 2.0]]], PAIRS)[0])
    tensors = RowReader(signature, 1000).tensors([{"load": load}])
    ColumnContract(signature).check(tensors)
    return tensors["load"]


@pytest.mark.parametrize(
    "load", [[], [[1.0, 2.0]] * 3, [[1.0]], [[1.0, "x"]], "x", [1.0, 2.0], [[1.0, 1e39]]]
)
def test_the_server_refuses_what_is_no_series(load: Any) -> None:
    with pytest.raises(RequestError) as refused:
        served(load, PAIRS)
    assert refused.value.status == 422


def test_tensors_may_have_fewer_steps() -> None:
    signature, _ = signature_of(PAIRS, typed([[[1.0, 2.0]]], PAIRS)[0])
    reader = TensorReader(signature, 1000)

    def read(shape: list[int], data: list[float]) -> NDArray[Any]:
        tensor = {"name": "load", "datatype": "FP32", "shape": shape, "data": data}
        found = reader.tensors([tensor], memoryview(b""))
        ColumnContract(signature).check(found)
        return found["load"]

    numpy.testing.assert_array_equal(read([1, 1, 2], [1, 2]), [[[1, 2], [NAN, NAN]]])
    for shape, data in (([1, 3, 2], [1.0] * 6), ([1, 1, 1], [1.0])):
        with pytest.raises(RequestError):
            read(shape, data)


@pytest.mark.parametrize("steps", [[[NAN, NAN], [1, 2]], [[1, NAN], [NAN, NAN]], [[NAN, NAN], [NAN, NAN]]])
def test_only_what_is_behind_the_last_step_is_missing(steps: list[list[float]]) -> None:
    signature, _ = signature_of(PAIRS, typed([[[1.0, 2.0]]], PAIRS)[0])
    with pytest.raises(RequestError):
        ColumnContract(signature).check({"load": numpy.array([steps], numpy.float32)})


@pytest.mark.parametrize("column", [PLAIN, PAIRS])
def test_the_test_of_the_server_asks_about_series_in_each_protocol(column: SeriesColumn) -> None:
    steps = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]] if column is PLAIN else [[[1.0, 2.0], [3.0, 4.0]]] * 2
    rows, _ = typed(steps, column)
    signature, inputs = signature_of(column, rows)
    served = ServedSignature({"model": "m", "inputs": inputs, "example": {}, "outputs": [{}]})
    (in_json,) = (dialect for dialect in DIALECTS if "JSON" in dialect.name)
    asked = orjson.loads(in_json.request(served, as_json(rows, inputs)).body)["inputs"]
    found = TensorReader(signature, 1000).tensors(asked, memoryview(b""))
    assert found["load"].shape == (2, *column.column_type.shape)
    assert found["load"].ravel().tolist() == rows["load"].explode().to_list()
