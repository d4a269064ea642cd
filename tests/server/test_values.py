"""A value of JSON is, in serving, what training made of the same value in its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.server.model_signature import Field, read_signature
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader, number_of, text_of
from aimass_compiler.runtime.server.tensors import TensorReader

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "flag": (polars.Boolean, st.booleans()),
    "integer": (polars.Int64, st.integers(-(2**63), 2**63 - 1)),
    "float": (polars.Float64, FLOATS),
    "text": (polars.String, st.text() | FLOATS.map(str) | st.integers().map(str) | st.just("  ")),
}


@pytest.mark.parametrize("written", KINDS)
@given(data=st.data())
def test_text_is_made_of_flags_and_numbers_as_in_training(written: str, data: Any) -> None:
    kind, values = KINDS[written]
    value = data.draw(values)
    raw = polars.Series("x", [value], dtype=kind)
    assert contract.written(raw.dtype) == written
    trained, violations = contract.typed(polars.DataFrame([raw]), {"x": CategoryColumn(type="category")})
    assert not violations
    served = text_of(Field("x", "category", "strings", nullable=True, written=written), value)
    assert (served or None) == trained["x"][0]


@pytest.mark.parametrize("written", KINDS)
@given(data=st.data())
def test_numbers_are_made_of_flags_and_text_as_in_training(written: str, data: Any) -> None:
    kind, values = KINDS[written]
    value = data.draw(values)
    raw = polars.Series("x", [value], dtype=kind)
    trained, violations = contract.typed(polars.DataFrame([raw]), {"x": NumberColumn(type="number")})
    field = Field("x", "number", "numbers", nullable=True, written=written)
    if violations:
        with pytest.raises(ValueError, match="must be a number"):
            number_of(field, value)
    else:
        served = number_of(field, value)
        assert (served if served is None else float(served)) == trained["x"][0]


SPELLINGS = (
    "+5", ".5", "5.", "1e5", "1E5", " 7 ", "\t7", "1_000", "inf", "-inf", "nan", "NaN", "Infinity", "0x10",
    "\x1f", "\x1c7",
    "١",
    "1,5", "--1", "1e400", "", " ", "-0", "1 2", "٣.٤", "true",
)  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_number_that_was_written_as_text_is_read_as_in_training(text: str) -> None:
    raw = polars.Series("x", [text])
    trained, violations = contract.typed(polars.DataFrame([raw]), {"x": NumberColumn(type="number")})
    try:
        served = number_of(Field("x", "number", "numbers", nullable=True, written="text"), text)
    except ValueError:
        assert violations
    else:
        assert not violations
        assert served == trained["x"][0]


def category(written: str = "", values: Sequence[str] | None = None) -> Field:
    return Field("x", "category", "strings", nullable=False, written=written, values=values and tuple(values))


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (category("flag"), True, "true"), (category("", ["false", "true"]), True, "true"),
        (category("integer"), 3, "3"), (category("integer"), 3.0, "3"), (category("float"), 3, "3.0"),
        (category("", ["1", "2", "3"]), 3, "3"), (category("", ["1", "2"]), 2.0, "2"),
        (category("", ["1.0", "2.5"]), 1, "1.0"), (category("float", ["1.0", "2.5"]), 2.5, "2.5"),
        (category("mixed"), 12, "12"), (category("mixed"), True, "true"), (category("mixed"), 0.5, "0.5"),
        (category("float"), 1e-5, "0.00001"), (category("float"), 1e300, "1e+300"),
    ],
)  # fmt: skip
def test_a_category_is_the_flag_or_number_that_it_was(field: Field, value: Any, found: str) -> None:
    assert text_of(field, value) == found


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        (category(), 3, "must be a string, not 3; write it in quotes"),
        (category("text"), True, "must be a string, not true; write it in quotes"),
        (category("flag"), 1, "must be a string, not 1; write it in quotes"),
        (category("", ["False", "True"]), True, 'must be a string, not true; write "True"'),
        (category("", ["01", "02"]), 1, "must be a string, not 1; write it in quotes"),
        (category("flag"), [True], "must be a string, not [true]"),
    ],
)
def test_what_training_did_not_have_is_refused_with_the_way_out(field: Field, value: Any, told: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        text_of(field, value)
    assert str(refusal.value) == told


SIGNATURE = read_signature(
    {
        "format": "aimass.package/v1",
        "model": "m",
        "version": "0" * 12,
        "task": "regression",
        "trained_at": "2026-01-02T03:04:05Z",
        "inputs": [
            {"name": "paid", "type": "number", "tensor": "numbers", "index": 0, "nullable": True,
             "written": "flag"},
            {"name": "sum", "type": "number", "tensor": "numbers", "index": 1, "nullable": True,
             "written": "text"},
            {"name": "member", "type": "category", "tensor": "strings", "index": 0, "nullable": True,
             "values": ["false", "true"], "written": "flag"},
            {"name": "floor", "type": "category", "tensor": "strings", "index": 1, "nullable": True,
             "written": "integer"},
        ],
        "ignored": ["y"],
        "outputs": [{"name": "prediction", "datatype": "FP64", "shape": [-1]}],
        "example": {},
    }
)  # fmt: skip
ROW = {"paid": True, "sum": " 12.5 ", "member": False, "floor": 3, "y": "no"}
WANTED = ([[1.0, 12.5]], [["false", "3"]])


def test_a_row_of_the_data_is_a_row() -> None:
    tensors = RowReader(SIGNATURE, 100).tensors([json.loads(json.dumps(ROW))])
    assert (tensors["numbers"].tolist(), tensors["strings"].tolist()) == WANTED


def given_as(**datatypes: tuple[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "datatype": datatype, "shape": [1], "data": [value]}
        for name, (datatype, value) in datatypes.items()
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        given_as(paid=("BOOL", True), sum=("BYTES", "12.5"), member=("BOOL", False), floor=("INT64", 3)),
        given_as(paid=("FP64", 1), sum=("FP32", 12.5), member=("BYTES", "false"), floor=("BYTES", "3")),
        given_as(paid=("FP64", True), sum=("FP64", " 12.5"), member=("BYTES", False), floor=("BYTES", 3)),
        given_as(paid=("UINT8", 1), sum=("FP16", 12.5), member=("BOOL", False), floor=("FP64", 3.0)),
        given_as(
            paid=("UINT8", 1), sum=("FP64", 12.5), member=("BOOL", False), floor=("UINT8", 3), y=("BOOL", 7)
        ),
    ],
)
def test_tensors_say_the_same(inputs: list[dict[str, Any]]) -> None:
    tensors = TensorReader(SIGNATURE, 100).tensors(inputs, memoryview(b""))
    assert (tensors["numbers"].tolist(), tensors["strings"].tolist()) == WANTED


def test_flags_and_numbers_may_lie_behind_the_json() -> None:
    def tensor(name: str, datatype: str) -> dict[str, Any]:
        size = 1 if datatype == "BOOL" else 8
        return {"name": name, "datatype": datatype, "shape": [1], "parameters": {"binary_data_size": size}}

    inputs = [
        tensor("paid", "BOOL"),
        tensor("sum", "FP64"),
        tensor("member", "BOOL"),
        tensor("floor", "FP64"),
    ]
    raw = b"\x01" + numpy.array([12.5]).tobytes() + b"\x00" + numpy.array([3.0]).tobytes()
    tensors = TensorReader(SIGNATURE, 100).tensors(inputs, memoryview(raw))
    assert (tensors["numbers"].tolist(), tensors["strings"].tolist()) == WANTED


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        (given_as(paid=("BOOL", 1)), 400), (given_as(paid=("BOOL", "true")), 400),
        (given_as(sum=("BOOL", True)), 422),
        (given_as(paid=("BYTES", "1")), 422), (given_as(sum=("BYTES", "twelve")), 422),
        (given_as(member=("INT64", 1)), 422), (given_as(floor=("INT64", "3")), 400),
        (given_as(floor=("BOOL", True)), 422),
        (given_as(sum=("INT64", "12.5")), 400),
    ],
)  # fmt: skip
def test_tensors_of_another_kind_are_refused(inputs: list[dict[str, Any]], status: int) -> None:
    with pytest.raises(RequestError) as refusal:
        TensorReader(SIGNATURE, 100).tensors(inputs, memoryview(b""))
    assert refusal.value.status == status
