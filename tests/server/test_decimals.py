"""Numbers in half and single precision are read as the decimals that they were rounded from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.runtime.server.datatypes import meant, widened
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.tensors import TensorReader
from server import packages

if TYPE_CHECKING:
    from pathlib import Path


@given(digits=st.integers(-999_999, 999_999), power=st.integers(-16, 16))
def test_six_digits_come_back_from_single_precision(digits: int, power: int) -> None:
    decimal = float(f"{digits}e{power}")
    assert widened(numpy.array([decimal], numpy.float32)) == [decimal]


@given(digits=st.integers(-999, 999), power=st.sampled_from([-4, -3, -2, -1, 0, 1]))
def test_three_digits_come_back_from_half_precision(digits: int, power: int) -> None:
    decimal = float(f"{digits}e{power}")
    narrow = numpy.array([decimal], numpy.float16)
    if abs(decimal) < float(numpy.finfo(numpy.float16).smallest_normal):
        return
    assert widened(narrow) == [decimal]


@given(st.lists(st.floats(width=32)))
def test_what_is_widened_is_rounded_to_the_same(values: list[float]) -> None:
    narrow = numpy.array(values, numpy.float32)
    wide = widened(narrow)
    assert wide.dtype == numpy.float64
    with numpy.errstate(over="ignore"):
        numpy.testing.assert_array_equal(wide.astype(numpy.float32), narrow)


def test_doubles_and_what_no_decimal_explains_are_themselves() -> None:
    doubles = numpy.array([0.1 + 0.2, numpy.inf, numpy.nan])
    numpy.testing.assert_array_equal(widened(doubles), doubles)
    single = numpy.array([16_777_217, 1 / 3, -0.0, numpy.nan, numpy.inf, 1e-45, 3.4028235e38], numpy.float32)
    numpy.testing.assert_array_equal(widened(single), single.astype(numpy.float64))
    numpy.testing.assert_array_equal(
        meant(numpy.array([0.1, 0.1 + 0.2, 1e300]), "<f4"), [0.1, 0.1 + 0.2, 1e300]
    )


WRITTEN = [0.7, 16.1, 119.99]


def given_in(datatype: str, kind: str, *, is_binary: bool) -> tuple[list[dict[str, Any]], bytes]:
    narrow = numpy.array(WRITTEN, kind)
    tensor: dict[str, Any] = {"name": "x0", "datatype": datatype, "shape": [3, 1]}
    if is_binary:
        return [tensor | {"parameters": {"binary_data_size": narrow.nbytes}}], narrow.tobytes()
    # As tritonclient writes JSON: every digit of the double.
    return [tensor | {"data": narrow.tolist()}], b""


@pytest.mark.parametrize("is_binary", [True, False])
@pytest.mark.parametrize(("datatype", "kind"), [("FP64", "<f8"), ("FP32", "<f4")])
def test_clients_that_send_single_precision_are_answered_alike(
    tmp_path: Path, datatype: str, kind: str, *, is_binary: bool
) -> None:
    reader = TensorReader(read_package(packages.price(tmp_path / "package", columns=1)).signature, 1000)
    inputs, tail = given_in(datatype, kind, is_binary=is_binary)
    numpy.testing.assert_array_equal(reader.tensors(inputs, memoryview(tail))["numbers"][:, 0], WRITTEN)


def test_half_precision_keeps_three_digits(tmp_path: Path) -> None:
    reader = TensorReader(read_package(packages.price(tmp_path / "package", columns=1)).signature, 1000)
    inputs, tail = given_in("FP16", "<f2", is_binary=True)
    numpy.testing.assert_array_equal(
        reader.tensors(inputs, memoryview(tail))["numbers"][:, 0], [0.7, 16.1, 120]
    )


def test_what_is_missing_in_single_precision_stays_missing(tmp_path: Path) -> None:
    reader = TensorReader(read_package(packages.churn(tmp_path / "package")).signature, 1000)
    inputs: list[dict[str, Any]] = [
        {"name": "tenure", "datatype": "FP32", "shape": [2], "data": [None, 0.7]},
        {"name": "age", "datatype": "FP64", "shape": [2], "data": [16, 17]},
        {"name": "plan", "datatype": "BYTES", "shape": [2], "data": ["basic", "pro"]},
    ]
    found = reader.tensors(inputs, memoryview(b""))["numbers"]
    numpy.testing.assert_array_equal(found, [[numpy.nan, 16], [0.7, 17]])
